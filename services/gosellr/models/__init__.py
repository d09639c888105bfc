"""Tables, constraints, facts and values. Tables are declared for migrations; `queries` reads and
writes them."""
