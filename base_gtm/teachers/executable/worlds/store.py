"""An online shop: carts are filled, discounted and ordered; orders are followed and cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Refused, Result, Wrong, day, money, pick, tool, whole

Category = Literal["electronics", "kitchen", "sports"]
Status = Literal["processing", "shipped", "delivered", "cancelled"]


class Article(NamedTuple):
    name: str
    category: Category
    cents: int


class Coupon(NamedTuple):
    percent: int
    cents: int
    least: int
    """Subtotal in cents from which it counts."""


class Delivery(NamedTuple):
    cents: int
    days: int
    """From the parcel's leaving to its arrival."""


_ARTICLES = {
    "DB-230": Article("Dumbbell 5 kg", "sports", 1999),
    "HP-300": Article("Headphones", "electronics", 12900),
    "KB-100": Article("Mechanical keyboard", "electronics", 8900),
    "KT-220": Article("Electric kettle", "kitchen", 4500),
    "MG-110": Article("Coffee mug", "kitchen", 1250),
    "MS-200": Article("Wireless mouse", "electronics", 2950),
    "TW-310": Article("Tea towel", "kitchen", 799),
    "YM-120": Article("Yoga mat", "sports", 3499),
}
_COUPONS = {"WELCOME10": Coupon(10, 0, 0), "SAVE5": Coupon(0, 500, 3000), "BIG20": Coupon(20, 0, 15000)}
_DELIVERIES = {"standard": Delivery(495, 5), "express": Delivery(1200, 2)}
_FREE_FROM = 5000
_PACKING = timedelta(days=2)


@dataclass
class Basket:
    """What a customer is about to buy."""

    lines: dict[str, int] = field(default_factory=dict)
    coupon: str | None = None


@dataclass
class Order:
    """What a customer has bought; amounts in cents."""

    lines: dict[str, int]
    total: int
    placed: date
    arrives: date
    cancelled: bool = False


@dataclass
class Shop:
    """Units in stock, a basket for each customer, and every order ever placed."""

    stock: dict[str, int]
    baskets: dict[str, Basket]
    orders: dict[str, Order] = field(default_factory=dict)

    @classmethod
    def start(cls, rng: Random) -> Shop:
        stock = {sku: rng.randint(4, 12) for sku in _ARTICLES}
        return cls(stock, {"C-201": Basket({rng.choice(sorted(_ARTICLES)): rng.randint(1, 2)}), "C-202": Basket()})


Customer = Annotated[
    str,
    Field(pattern="^C-[0-9]{3}$", description="Customer's number"),
    Of(lambda shop, rng: rng.choice(sorted(shop.baskets))),
    Wrong(pick("C-999", "C-000")),
]
Buyer = Annotated[
    str,
    Field(pattern="^C-[0-9]{3}$", description="Customer's number"),
    Of(lambda shop, rng: rng.choice([one for one, basket in shop.baskets.items() if basket.lines] or [None])),
    Wrong(pick("C-999", "C-000")),
]
Sku = Annotated[str, Field(pattern="^[A-Z]{2}-[0-9]{3}$", description="Article number as in the catalogue")]
OrderNumber = Annotated[
    str,
    Field(pattern="^ORD-[0-9]{4,6}$", description="Order number"),
    Of(lambda shop, rng: rng.choice(sorted(shop.orders) or [None])),
    Wrong(pick("ORD-0007", "ORD-0999")),
]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2099, 12, 31))]


class Product(Result):
    sku: str = Field(description="Article number")
    name: str = Field(description="What it is")
    category: Category = Field(description="Department")
    price: float = Field(description="Price of one, in euros")
    in_stock: int = Field(description="Units that can be bought")


class ProductList(Result):
    products: list[Product] = Field(description="Products found, by article number")


@tool(
    "Retail",
    "Catalogue",
    "What do you sell?",
    "Show me what you have in {category}.",
    "Anything for {max_price} euros or less?",
    "Which {category} products cost at most {max_price}?",
)
def browse_catalogue(
    state: Shop,
    category: Annotated[
        Category | None,
        Field(description="Department; every one if not given"),
        Like(pick("electronics", "kitchen", "sports")),
    ] = None,
    max_price: Annotated[
        float | None, Field(gt=0, le=10000, description="Dearest price in euros"), Like(money(10, 150), 0.3)
    ] = None,
) -> ProductList:
    """Products of the shop with their prices in euros and the units in stock."""
    found = [
        Product(sku=sku, name=one.name, category=one.category, price=one.cents / 100, in_stock=state.stock[sku])
        for sku, one in _ARTICLES.items()
        if category in (None, one.category) and (max_price is None or one.cents / 100 <= max_price)
    ]
    return ProductList(products=found)


class CartChange(Result):
    sku: str = Field(description="The article")
    quantity: int = Field(description="Units of it in the cart now")
    subtotal: float = Field(description="Value of the cart before discount, in euros")


@tool(
    "Retail",
    "Cart",
    "Put {quantity} of {sku} into the cart of {customer}.",
    "I am {customer}. Add {sku} to my cart, {quantity} pieces.",
    "{sku} into {customer}'s basket, please.",
)
def add_to_cart(
    state: Shop,
    customer: Customer,
    sku: Annotated[Sku, Of(lambda shop, rng: rng.choice(sorted(shop.stock))), Wrong(pick("ZZ-999", "QQ-404"))],
    quantity: Annotated[int, Field(ge=1, le=100, description="Units to add"), Like(whole(1, 4), 0.7)] = 1,
) -> CartChange:
    """Add units of an article to a customer's cart, no more than are in stock. Nothing is set aside for the cart."""
    basket = _basket(state, customer)
    if sku not in _ARTICLES:
        raise Refused(f"parameter 'sku': there is no article '{sku}'; browse_catalogue names those there are")
    wanted = basket.lines.get(sku, 0) + quantity
    if wanted > state.stock[sku]:
        raise Refused(
            f"parameter 'quantity': the cart would have {wanted} of {sku} and {state.stock[sku]} are in stock"
        )
    basket.lines[sku] = wanted
    return CartChange(sku=sku, quantity=wanted, subtotal=_subtotal(basket.lines) / 100)


@tool(
    "Retail",
    "Cart",
    "Take {sku} out of the cart of {customer}.",
    "Remove {quantity} of {sku} from my cart, I am customer {customer}.",
)
def remove_from_cart(
    state: Shop,
    customer: Annotated[
        str,
        Field(pattern="^C-[0-9]{3}$", description="Customer's number"),
        Of(lambda shop, rng: _fullest(shop)),
        Wrong(pick("C-999", "C-000")),
    ],
    sku: Annotated[
        Sku,
        Of(lambda shop, rng: rng.choice(sorted(shop.baskets[_fullest(shop)].lines)) if _fullest(shop) else None),
        Wrong(pick("ZZ-999", "QQ-404")),
    ],
    quantity: Annotated[
        int | None, Field(ge=1, le=100, description="Units to take out; all if not given"), Like(whole(1, 2), 0.4)
    ] = None,
) -> CartChange:
    """Take units of an article out of a customer's cart; a coupon stays on the cart."""
    lines = _basket(state, customer).lines
    if sku not in lines:
        raise Refused(f"parameter 'sku': '{sku}' is not in the cart of {customer}, which has {_named(lines)}")
    if quantity is not None and quantity > lines[sku]:
        raise Refused(f"parameter 'quantity': {quantity} is more than the {lines[sku]} of {sku} in the cart")
    left = 0 if quantity is None else lines[sku] - quantity
    if left:
        lines[sku] = left
    else:
        del lines[sku]
    return CartChange(sku=sku, quantity=left, subtotal=_subtotal(lines) / 100)


class CartLine(Result):
    sku: str = Field(description="The article")
    name: str = Field(description="What it is")
    quantity: int = Field(description="Units of it")
    price: float = Field(description="Price of all of them, in euros")


class CartContents(Result):
    lines: list[CartLine] = Field(description="Articles in the order in which they came")
    subtotal: float = Field(description="Value before discount, in euros")
    coupon: str | None = Field(description="Coupon on the cart")
    discount: float = Field(description="What the coupon takes off, in euros")
    total: float = Field(description="Value after discount without shipping, in euros")


@tool("Retail", "Cart", "What is in the cart of {customer}?", "Show me my cart. My customer number is {customer}.")
def view_cart(state: Shop, customer: Customer) -> CartContents:
    """A customer's cart with its lines, coupon and value in euros."""
    basket = _basket(state, customer)
    subtotal, discount = _subtotal(basket.lines), _discount(basket)
    lines = [
        CartLine(sku=sku, name=_ARTICLES[sku].name, quantity=units, price=_ARTICLES[sku].cents * units / 100)
        for sku, units in basket.lines.items()
    ]
    return CartContents(
        lines=lines,
        subtotal=subtotal / 100,
        coupon=basket.coupon,
        discount=discount / 100,
        total=(subtotal - discount) / 100,
    )


class Rebate(Result):
    code: str = Field(description="Coupon now on the cart")
    discount: float = Field(description="What it takes off, in euros")
    total: float = Field(description="Value of the cart after discount, in euros")


@tool("Retail", "Cart", "{customer} has the coupon {code}.", "Please use the code {code} for my cart, I am {customer}.")
def apply_coupon(
    state: Shop,
    customer: Buyer,
    code: Annotated[
        str,
        Field(pattern="^[A-Z0-9]{4,12}$", description="Code of the coupon"),
        Like(pick("WELCOME10", "WELCOME10", "SAVE5", "SAVE5", "BIG20")),
        Wrong(pick("BLACKFRIDAY", "XMAS2019", "FREE4EVER")),
    ],
) -> Rebate:
    """Put a coupon on a cart in place of an earlier one: WELCOME10 takes off 10 % (half a cent rounded up), SAVE5 takes
    5.00 off a subtotal of 30.00 or more, BIG20 takes 20 % off a subtotal of 150.00 or more.
    """
    basket = _filled(state, customer)
    if code not in _COUPONS:
        raise Refused(f"parameter 'code': there is no coupon '{code}'; the coupons are {', '.join(_COUPONS)}")
    subtotal, least = _subtotal(basket.lines), _COUPONS[code].least
    if subtotal < least:
        raise Refused(f"parameter 'code': {code} needs {least / 100:.2f} and the cart is worth {subtotal / 100:.2f}")
    basket.coupon = code
    discount = _discount(basket)
    return Rebate(code=code, discount=discount / 100, total=(subtotal - discount) / 100)


class Receipt(Result):
    order: str = Field(description="Order number")
    items: int = Field(description="Units bought")
    subtotal: float = Field(description="Value before discount, in euros")
    discount: float = Field(description="Taken off by the coupon, in euros")
    shipping: float = Field(description="Cost of shipping, in euros")
    total: float = Field(description="To be paid, in euros")
    arrives: date = Field(description="Day on which the parcel arrives")


@tool(
    "Retail",
    "Orders",
    "Check out the cart of {customer} on {day} with {shipping} shipping.",
    "I am {customer}, it is {day}, and I want to order what is in my cart. {shipping} delivery, please.",
    "Place the order of {customer} on {day}.",
)
def checkout_cart(
    state: Shop,
    customer: Buyer,
    day: Annotated[Day, Field(description="Day of the order"), Like(day("2025-03-04", "2025-03-05"))],
    shipping: Annotated[
        Literal["standard", "express"], Field(description="Way of shipping"), Like(pick("standard", "express"))
    ] = "standard",
) -> Receipt:
    """Order what is in a cart and empty it. Shipping costs 4.95 standard, nothing from 50.00 after discount, or 12.00
    express; a parcel leaves two days after the order and takes five more days, express two.
    """
    basket = _filled(state, customer)
    for sku, units in basket.lines.items():
        if units > state.stock[sku]:
            raise Refused(f"parameter 'customer': the cart has {units} of {sku} and {state.stock[sku]} are in stock")
    subtotal, discount = _subtotal(basket.lines), _discount(basket)
    delivery = _DELIVERIES[shipping]
    free = shipping == "standard" and subtotal - discount >= _FREE_FROM
    sent = 0 if free else delivery.cents
    order = f"ORD-{1001 + len(state.orders)}"
    arrives = day + _PACKING + timedelta(days=delivery.days)
    state.orders[order] = Order(basket.lines, subtotal - discount + sent, day, arrives)
    for sku, units in basket.lines.items():
        state.stock[sku] -= units
    state.baskets[customer] = Basket()
    return Receipt(
        order=order,
        items=sum(basket.lines.values()),
        subtotal=subtotal / 100,
        discount=discount / 100,
        shipping=sent / 100,
        total=(subtotal - discount + sent) / 100,
        arrives=arrives,
    )


class OrderProgress(Result):
    order: str = Field(description="Order number")
    status: Status = Field(description="Where the order stands on that day")
    total: float = Field(description="Amount of the order, in euros")
    days_to_arrival: int = Field(description="Days until the parcel arrives; 0 once it has or will not")


@tool("Retail", "Orders", "Where is my order {order}? Today is {day}.", "Status of {order} on {day}, please.")
def order_status(
    state: Shop,
    order: OrderNumber,
    day: Annotated[Day, Field(description="Day that is asked about"), Like(day("2025-03-05", "2025-03-14"))],
) -> OrderProgress:
    """How far an order is on a day: processing for two days, then shipped until it arrives, then delivered."""
    known = _order(state, order, day)
    status = _status(known, day)
    left = (known.arrives - day).days if status in ("processing", "shipped") else 0
    return OrderProgress(order=order, status=status, total=known.total / 100, days_to_arrival=left)


class Refund(Result):
    order: str = Field(description="Order number")
    status: Status = Field(description="Status of the order now")
    refunded: float = Field(description="Amount paid back, in euros")
    items: int = Field(description="Units that are back in stock")


@tool("Retail", "Orders", "Cancel {order}, today is {day}.", "It is {day} and I no longer want {order}.")
def cancel_order(
    state: Shop,
    order: OrderNumber,
    day: Annotated[Day, Field(description="Day of the cancellation"), Like(day("2025-03-05", "2025-03-06"))],
) -> Refund:
    """Cancel an order that has not left yet: it is paid back in full and its articles are in stock again."""
    known = _order(state, order, day)
    status = _status(known, day)
    if status != "processing":
        raise Refused(f"parameter 'order': {order} is {status} on {day}; only an order in processing can be cancelled")
    known.cancelled = True
    for sku, units in known.lines.items():
        state.stock[sku] += units
    return Refund(order=order, status="cancelled", refunded=known.total / 100, items=sum(known.lines.values()))


def _fullest(shop: Shop) -> str | None:
    """The customer with the most lines in the cart."""
    most = max(shop.baskets, key=lambda one: len(shop.baskets[one].lines))
    return most if shop.baskets[most].lines else None


def _basket(shop: Shop, customer: str) -> Basket:
    if customer not in shop.baskets:
        raise Refused(f"parameter 'customer': there is no customer '{customer}'; there are {_named(shop.baskets)}")
    return shop.baskets[customer]


def _filled(shop: Shop, customer: str) -> Basket:
    basket = _basket(shop, customer)
    if not basket.lines:
        raise Refused(f"parameter 'customer': the cart of {customer} is empty; fill it with add_to_cart")
    return basket


def _order(shop: Shop, order: str, day: date) -> Order:
    if order not in shop.orders:
        raise Refused(f"parameter 'order': there is no order '{order}'; there are {_named(shop.orders)}")
    known = shop.orders[order]
    if day < known.placed:
        raise Refused(f"parameter 'day': {order} was placed after {day}; give {known.placed} or a later day")
    return known


def _status(order: Order, day: date) -> Status:
    if order.cancelled:
        return "cancelled"
    if day < order.placed + _PACKING:
        return "processing"
    return "shipped" if day < order.arrives else "delivered"


def _subtotal(lines: Mapping[str, int]) -> int:
    return sum(_ARTICLES[sku].cents * units for sku, units in lines.items())


def _discount(basket: Basket) -> int:
    """In cents; nothing where the cart has shrunk below what the coupon needs."""
    subtotal = _subtotal(basket.lines)
    if basket.coupon is None or subtotal < _COUPONS[basket.coupon].least:
        return 0
    coupon = _COUPONS[basket.coupon]
    return (subtotal * coupon.percent + 50) // 100 + coupon.cents


def _named(values: Mapping[str, object]) -> str:
    return ", ".join(sorted(values)) or "none"
