def left(stock, wanted):
    while wanted:
        if stock == 0:
            break
        stock -= 1
        wanted -= 1
    else:
        return stock
    return None


async def later(stock):
    yield stock
    if stock > 1:  # pragma: no cover
        yield stock - 1
