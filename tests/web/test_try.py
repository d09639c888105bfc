import re, pytest
from tests.factories.catalogue import make_product, make_shelf_seller
async def test_try(client, connection, query_count):
    s=await make_shelf_seller(connection, name="Kettle"); p=await make_product(connection, seller=s, title="Tea pot <b>x</b>")
    h={"accept":"text/html"}
    for path in ("/","/search","/search?q=pot&min_price=1&in_stock=true","/bag","/checkout","/orders","/sign-in","/register","/p/tea-pot-b-x-b","/nothing","/p/teapot-pot"):
        query_count()
        r=await client.get(path, headers=h); print(path, r.status_code, query_count(), r.headers.get("location"), len(r.text))
        if r.status_code>=500: print(r.text[-1500:])
