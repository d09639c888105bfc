async def test_world(world):
    print(world.callers.keys()); print(world.estates["guest"])
    import time
    t=time.time(); await world.connection.fetchval("select 1"); print(time.time()-t)
