"""Documents on paper and in workbooks, laid out in processes of their own."""
