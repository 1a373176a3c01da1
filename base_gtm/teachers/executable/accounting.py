"""Depreciation, invoices, costs, inventory, ratios of a balance sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, day, money, number, pick, tool, whole


def _neat(value: float) -> float:
    """As people write an amount that they took from a ledger."""
    return float(f"{value:.4g}")


class AssetYear(Result):
    year: int = Field(description="Year of use, counted from 1")
    depreciation: float = Field(description="Written off in that year")
    book_value: float = Field(description="Left at the end of that year")


class DepreciationPlan(Result):
    years: list[AssetYear] = Field(description="One row for each year of use")
    total_depreciation: float = Field(description="Written off over the whole life")


def _asset(rng: Random) -> Mapping[str, Any]:
    cost = money(1e3, 3e5)(rng)
    return {"cost": cost, "salvage_value": round(cost * rng.choice((0.0, 0.05, 0.1, 0.2)), 2)}


@tool(
    "Accounting",
    "Assets",
    "We bought a machine for {cost}, it lasts {life_years} years and is worth {salvage_value} after that. What do we "
    "write off each year?",
    "depreciation table, {method} method: cost {cost}, salvage value {salvage_value}, useful life {life_years} years",
    together=_asset,
)
def depreciation_schedule(
    cost: Annotated[float, Field(gt=0, le=1e9, description="Purchase cost")],
    salvage_value: Annotated[
        float, Field(ge=0, le=1e10, description="Value at the end of the useful life"), Wrong(money(1.5e9, 9e9))
    ],
    life_years: Annotated[int, Field(ge=1, le=40, description="Useful life in years"), Like(whole(3, 10))],
    method: Annotated[
        Literal["straight_line", "double_declining", "sum_of_years_digits"],
        Field(description="How the cost is spread; double declining stops at the salvage value"),
        Like(pick("straight_line", "double_declining", "sum_of_years_digits")),
    ] = "straight_line",
) -> DepreciationPlan:
    """Depreciation of an asset year by year, in whole years from the day of purchase."""
    if salvage_value >= cost:
        raise Refused(
            f"parameter 'salvage_value': {salvage_value:.2f} is not below the cost of {cost:.2f}; "
            "give what the asset is still worth at the end, less than it cost"
        )
    rows, book = [], cost
    for year in range(1, life_years + 1):
        if method == "double_declining":
            amount = 2 / life_years * book
        elif method == "straight_line":
            amount = (cost - salvage_value) / life_years
        else:
            amount = (cost - salvage_value) * (life_years - year + 1) / (life_years * (life_years + 1) / 2)
        left = book - salvage_value
        last = year == life_years and method != "double_declining"
        amount = round(left if last else min(amount, left), 2)
        book = max(0.0, round(book - amount, 2))
        rows.append(AssetYear(year=year, depreciation=amount, book_value=book))
    return DepreciationPlan(years=rows, total_depreciation=round(sum(row.depreciation for row in rows), 2))


class BreakEven(Result):
    units: int = Field(description="Smallest whole number of units that reaches the target")
    revenue: float = Field(description="Sales at that number of units")
    contribution_per_unit: float = Field(description="Price less variable cost")
    contribution_margin_percent: float = Field(description="Contribution in percent of the price")


def _product(rng: Random) -> Mapping[str, Any]:
    price = round(rng.choice((4.5, 9.9, 12, 25, 39, 49.9, 80, 120, 249, 600)) * rng.uniform(0.8, 1.25), 1)
    return {"unit_price": price, "unit_variable_cost": round(price * rng.uniform(0.2, 0.8), 2)}


@tool(
    "Accounting",
    "Costs",
    "Fixed costs are {fixed_costs}, each piece sells for {unit_price} and costs us {unit_variable_cost}. From how many "
    "pieces on do we make money?",
    "How many units at {unit_price} (variable cost {unit_variable_cost}) to cover {fixed_costs} of overhead and still "
    "earn {target_profit}?",
    together=_product,
)
def break_even_point(
    fixed_costs: Annotated[
        float, Field(ge=0, le=1e10, description="Costs that do not depend on sales"), Like(money(2e3, 5e5))
    ],
    unit_price: Annotated[float, Field(ge=0.01, le=1e6, description="Price of one unit")],
    unit_variable_cost: Annotated[
        float, Field(ge=0, le=1e7, description="Cost of making one unit more"), Wrong(money(1.5e6, 9e6))
    ],
    target_profit: Annotated[
        float, Field(ge=0, le=1e10, description="Profit wanted beyond break-even"), Like(money(1e3, 1e5))
    ] = 0.0,
) -> BreakEven:
    """Units to sell until fixed costs, and a target profit if any, are earned."""
    contribution = round(unit_price - unit_variable_cost, 4)
    if contribution <= 0:
        raise Refused(
            f"parameter 'unit_variable_cost': at {unit_variable_cost} a unit sold for {unit_price} earns nothing, so "
            "no number of units breaks even; give a cost below the price"
        )
    units = math.ceil(round((fixed_costs + target_profit) / contribution, 6))
    return BreakEven(
        units=units,
        revenue=round(units * unit_price, 2),
        contribution_per_unit=contribution,
        contribution_margin_percent=round(100 * contribution / unit_price, 2),
    )


class InvoiceLine(Part):
    item: str = Field(min_length=1, max_length=60, description="What is sold")
    quantity: float = Field(gt=0, le=1e5, description="How many units")
    unit_price: float = Field(ge=0, le=1e6, description="Price of one unit without VAT")
    vat_percent: float = Field(ge=0, le=50, description="VAT rate in percent")


class VatBand(Result):
    vat_percent: float = Field(description="VAT rate in percent")
    net: float = Field(description="Sum of the lines at this rate, without VAT")
    vat: float = Field(description="VAT on that sum")


class InvoiceTotals(Result):
    net: float = Field(description="All lines without VAT, discount taken off")
    vat: float = Field(description="VAT of all rates")
    gross: float = Field(description="Amount to pay")
    by_rate: list[VatBand] = Field(description="One entry for each VAT rate, lowest first")


_GOODS = {
    "Office chair": 189.0, "Printer paper A4": 4.79, "Web design hour": 85.0, "Ergonomic keyboard": 79.9,
    "Coffee beans 1 kg": 16.5, "Translated page": 32.0, "Desk lamp": 45.0, "Accounting textbook": 54.0,
    "Delivery": 9.5, "Laptop stand": 38.25, "Catering per guest": 27.5, "USB-C cable": 7.99, "Consulting day": 960.0,
}  # fmt: skip
_RATES = ((20.0, 5.0), (19.0, 7.0), (21.0, 6.0), (22.0, 10.0), (25.0,), (0.0, 20.0), (23.0, 8.0))


def _lines(rng: Random) -> list[dict[str, Any]]:
    rates = rng.choice(_RATES)
    items = rng.sample(sorted(_GOODS), rng.randint(1, 4))
    return [
        {"item": item, "quantity": rng.randint(1, 12), "unit_price": _GOODS[item], "vat_percent": rng.choice(rates)}
        for item in items
    ]


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


@tool(
    "Accounting",
    "Invoicing",
    "Add up this invoice with VAT: {lines}.",
    "What does the customer pay? Lines: {lines}. There is {discount_percent} % off everything.",
    "I'm writing an invoice ({lines}). Give me net, VAT for each rate, and gross.",
)
def invoice_total(
    lines: Annotated[
        list[InvoiceLine], Field(min_length=1, max_length=50, description="Lines of the invoice"), Like(_lines)
    ],
    discount_percent: Annotated[
        float, Field(ge=0, le=100, description="Taken off each net line"), Like(pick(2.0, 5.0, 7.5, 10.0, 15.0), 0.4)
    ] = 0.0,
) -> InvoiceTotals:
    """Net, VAT and gross of an invoice; each line is rounded to the cent, VAT is computed on the sum of a rate."""
    kept = 1 - Decimal(str(discount_percent)) / 100
    nets: dict[float, Decimal] = {}
    for line in lines:
        amount = _cents(Decimal(str(line.quantity)) * Decimal(str(line.unit_price)) * kept)
        nets[line.vat_percent] = nets.get(line.vat_percent, Decimal(0)) + amount
    vats = {rate: _cents(net * Decimal(str(rate)) / 100) for rate, net in nets.items()}
    net, vat = sum(nets.values(), Decimal(0)), sum(vats.values(), Decimal(0))
    bands = [VatBand(vat_percent=rate, net=float(nets[rate]), vat=float(vats[rate])) for rate in sorted(nets)]
    return InvoiceTotals(net=float(net), vat=float(vat), gross=float(net + vat), by_rate=bands)


class EarlyPayment(Result):
    discount: float = Field(description="What early payment saves")
    pay_early: float = Field(description="Amount due within the discount period")
    discount_until: date = Field(description="Last day of the discount")
    due_date: date = Field(description="Last day for the full amount")
    annual_cost_percent: float = Field(description="Simple yearly rate that giving up the discount costs, 365 days")


@tool(
    "Accounting",
    "Invoicing",
    "Invoice of {amount} dated {invoice_date}, terms {terms}. Until when do I get the discount and how much is it?",
    "Our supplier bills {amount} on {invoice_date} with {terms}. Is paying early worth it, as a yearly rate?",
)
def early_payment_discount(
    amount: Annotated[float, Field(gt=0, le=1e9, description="Amount of the invoice"), Like(money(200, 5e4))],
    invoice_date: Annotated[
        date, Field(description="Day of the invoice, 1900 to 2200"), Like(day("2022-01-01", "2026-12-31"))
    ],
    terms: Annotated[
        str,
        Field(
            max_length=16,
            pattern=r"^\d{1,2}(\.\d)?/\d{1,3} net \d{1,3}$",
            description="Terms such as '2/10 net 30': 2 percent off within 10 days, all of it within 30",
        ),
        Like(
            pick(
                "2/10 net 30", "1/10 net 30", "3/10 net 45", "2/7 net 21", "1.5/15 net 60", "3/14 net 30", "2/15 net 60"
            )
        ),
        Wrong(pick("2/30 net 15", "1/60 net 30", "3/45 net 45", "2/14 net 7", "1/30 net 10")),
    ],
) -> EarlyPayment:
    """Discount, dates and yearly cost of supplier terms such as 2/10 net 30; days count from the invoice date."""
    offer, _, full = terms.partition(" net ")
    percent, days, due = float(offer.split("/")[0]), int(offer.split("/")[1]), int(full)
    if days >= due:
        raise Refused(
            f"parameter 'terms': in '{terms}' the discount of {days} days does not end before the {due} days for full "
            "payment; write the shorter period first, as in '2/10 net 30'"
        )
    if not 1900 <= invoice_date.year <= 2200:
        raise Refused(f"parameter 'invoice_date': {invoice_date} is out of range; give a day from 1900 to 2200")
    discount = round(amount * percent / 100, 2)
    return EarlyPayment(
        discount=discount,
        pay_early=round(amount - discount, 2),
        discount_until=invoice_date + timedelta(days=days),
        due_date=invoice_date + timedelta(days=due),
        annual_cost_percent=round(100 * percent / (100 - percent) * 365 / (due - days), 2),
    )


class Lot(Part):
    quantity: int = Field(ge=1, le=100_000, description="Units bought")
    unit_cost: float = Field(ge=0, le=1e6, description="Paid for each")


class StockValue(Result):
    cost_of_goods_sold: float = Field(description="Cost of the units sold")
    ending_inventory: float = Field(description="Cost of the units left")
    units_left: int = Field(description="Units still in stock")


def _stock(rng: Random) -> Mapping[str, Any]:
    cost = number(2, 60)(rng)
    lots = [
        {
            "quantity": rng.randrange(20, 401, 10),
            "unit_cost": round(cost * (1 + 0.06 * n + rng.uniform(-0.05, 0.05)), 2),
        }
        for n in range(rng.randint(2, 4))
    ]
    bought = sum(int(lot["quantity"]) for lot in lots)
    return {"purchases": lots, "units_sold": max(5, 5 * int(bought * rng.uniform(0.3, 0.95) / 5))}


@tool(
    "Accounting",
    "Costs",
    "What's our stock worth by {method}? We bought, oldest first: {purchases}. {units_sold} units are sold.",
    "Cost of goods sold and ending inventory, {method}. Purchases in order: {purchases}; sold: {units_sold}.",
    together=_stock,
)
def inventory_valuation(
    purchases: Annotated[list[Lot], Field(min_length=1, max_length=20, description="Lots bought, oldest first")],
    units_sold: Annotated[
        int, Field(ge=0, le=100_000_000, description="Units sold since"), Wrong(whole(2_100_000, 90_000_000, 100_000))
    ],
    method: Annotated[
        Literal["fifo", "lifo", "average"],
        Field(description="Oldest lots are sold first, newest first, or all at the mean cost"),
        Like(pick("fifo", "lifo", "average")),
    ],
) -> StockValue:
    """Split the cost of purchases into units sold and units left, counted once at the end of the period."""
    bought = sum(lot.quantity for lot in purchases)
    if units_sold > bought:
        raise Refused(
            f"parameter 'units_sold': {units_sold} is more than the {bought} units that were bought; "
            f"give a number from 0 to {bought}"
        )
    spent = sum(lot.quantity * lot.unit_cost for lot in purchases)
    if method == "average":
        sold = spent * units_sold / bought
    else:
        sold, wanted = 0.0, units_sold
        for lot in purchases if method == "fifo" else reversed(purchases):
            taken = min(wanted, lot.quantity)
            sold, wanted = sold + taken * lot.unit_cost, wanted - taken
    sold = round(sold, 2)
    return StockValue(
        cost_of_goods_sold=sold, ending_inventory=max(0.0, round(spent - sold, 2)), units_left=bought - units_sold
    )


class Liquidity(Result):
    working_capital: float = Field(description="Current assets less current liabilities")
    current_ratio: float = Field(description="Current assets over current liabilities")
    quick_ratio: float = Field(description="Current assets without inventory over current liabilities")
    cash_ratio: float = Field(description="Cash over current liabilities")
    position: Literal["comfortable", "tight", "short"] = Field(
        description="Short with a current ratio below 1, tight with a quick ratio below 1, else comfortable"
    )


def _balance(rng: Random) -> Mapping[str, Any]:
    assets = money(2e4, 5e6)(rng)
    return {
        "current_assets": assets,
        "inventory": _neat(assets * rng.uniform(0.1, 0.5)),
        "cash": _neat(assets * rng.uniform(0.05, 0.4)),
        "current_liabilities": _neat(assets * rng.uniform(0.3, 1.3)),
    }


@tool(
    "Accounting",
    "Ratios",
    "How liquid are we? Current assets {current_assets}, of which inventory {inventory} and cash {cash}; current "
    "liabilities {current_liabilities}.",
    "Working capital, current, quick and cash ratio please. CA {current_assets}, stock {inventory}, cash {cash}, CL "
    "{current_liabilities}",
    together=_balance,
)
def working_capital_ratios(
    current_assets: Annotated[float, Field(ge=0, le=1e12, description="Assets that turn into cash within a year")],
    inventory: Annotated[
        float, Field(ge=0, le=1e13, description="Part of the current assets that is stock"), Wrong(money(1.5e12, 9e12))
    ],
    cash: Annotated[float, Field(ge=0, le=1e12, description="Part of the current assets that is cash")],
    current_liabilities: Annotated[float, Field(ge=1, le=1e12, description="Debts due within a year")],
) -> Liquidity:
    """Working capital and liquidity ratios from the short-term part of a balance sheet."""
    if inventory > current_assets:
        raise Refused(
            f"parameter 'inventory': {inventory:.2f} is more than the current assets of {current_assets:.2f}, which "
            "include it; give a part of them"
        )
    if inventory + cash > 1.000001 * current_assets:
        raise Refused(
            f"parameter 'cash': {cash:.2f} and the inventory of {inventory:.2f} are more than the current assets of "
            f"{current_assets:.2f}; give at most {current_assets - inventory:.2f}"
        )
    current, quick = current_assets / current_liabilities, (current_assets - inventory) / current_liabilities
    return Liquidity(
        working_capital=round(current_assets - current_liabilities, 2),
        current_ratio=round(current, 3),
        quick_ratio=round(quick, 3),
        cash_ratio=round(cash / current_liabilities, 3),
        position="short" if current < 1 else "tight" if quick < 1 else "comfortable",
    )


class DuPont(Result):
    net_margin_percent: float = Field(description="Net income in percent of revenue")
    asset_turnover: float = Field(description="Revenue over total assets")
    equity_multiplier: float = Field(description="Total assets over equity")
    return_on_assets_percent: float = Field(description="Net income in percent of total assets")
    return_on_equity_percent: float = Field(description="Net income in percent of equity")


def _company(rng: Random) -> Mapping[str, Any]:
    revenue = money(2e5, 5e7)(rng)
    assets = _neat(revenue * rng.uniform(0.4, 2))
    return {
        "net_income": _neat(revenue * rng.uniform(-0.04, 0.2)),
        "revenue": revenue,
        "total_assets": assets,
        "equity": _neat(assets * rng.uniform(0.2, 0.8)),
    }


@tool(
    "Accounting",
    "Ratios",
    "Break our return on equity down: net income {net_income}, revenue {revenue}, total assets {total_assets}, equity "
    "{equity}.",
    "dupont analysis for income={net_income}, sales={revenue}, assets={total_assets}, equity={equity}",
    together=_company,
)
def dupont_analysis(
    net_income: Annotated[float, Field(ge=-1e12, le=1e12, description="Profit after tax; negative is a loss")],
    revenue: Annotated[float, Field(ge=1, le=1e12, description="Sales of the year")],
    total_assets: Annotated[float, Field(ge=1, le=1e12, description="Assets at the end of the year")],
    equity: Annotated[
        float,
        Field(ge=-1e12, le=1e12, description="Shareholders' equity at the end of the year"),
        Wrong(lambda rng: -money(1e3, 1e6)(rng)),
    ],
) -> DuPont:
    """Return on equity as net margin times asset turnover times equity multiplier, with figures of year end."""
    if equity < 1:
        raise Refused(
            f"parameter 'equity': with equity of {equity:.2f} a return on equity means nothing; give an amount of 1 "
            "or more"
        )
    return DuPont(
        net_margin_percent=round(100 * net_income / revenue, 3),
        asset_turnover=round(revenue / total_assets, 4),
        equity_multiplier=round(total_assets / equity, 4),
        return_on_assets_percent=round(100 * net_income / total_assets, 3),
        return_on_equity_percent=round(100 * net_income / equity, 3),
    )


class CashCycle(Result):
    days_sales_outstanding: float = Field(description="Days until customers pay")
    days_inventory_outstanding: float = Field(description="Days that goods lie in stock")
    days_payables_outstanding: float = Field(description="Days until we pay suppliers")
    cycle_days: float = Field(description="Days that money is tied up: the first two less the third")
    financed_by_suppliers: bool = Field(description="Whether the cycle is negative")


def _trade(rng: Random) -> Mapping[str, Any]:
    revenue = money(1e5, 2e7)(rng)
    goods = revenue * number(0.4, 0.8)(rng)
    return {
        "receivables": _neat(revenue * rng.uniform(10, 70) / 365),
        "inventory": _neat(goods * rng.uniform(10, 90) / 365),
        "payables": _neat(goods * rng.uniform(15, 80) / 365),
        "revenue": revenue,
        "cost_of_goods_sold": _neat(goods),
    }


@tool(
    "Accounting",
    "Ratios",
    "How many days is our money tied up? Receivables {receivables}, inventory {inventory}, payables {payables}, yearly "
    "sales {revenue}, cost of goods sold {cost_of_goods_sold}.",
    "Cash conversion cycle: AR {receivables} / stock {inventory} / AP {payables} / revenue {revenue} / COGS "
    "{cost_of_goods_sold}",
    together=_trade,
)
def cash_conversion_cycle(
    receivables: Annotated[float, Field(ge=0, le=1e12, description="Owed by customers")],
    inventory: Annotated[float, Field(ge=0, le=1e12, description="Stock at cost")],
    payables: Annotated[float, Field(ge=0, le=1e12, description="Owed to suppliers")],
    revenue: Annotated[float, Field(ge=1, le=1e12, description="Sales of a year")],
    cost_of_goods_sold: Annotated[float, Field(ge=1, le=1e12, description="Cost of the goods sold in a year")],
) -> CashCycle:
    """Cash conversion cycle in days of a 365-day year: receivables by revenue, stock and payables by cost of goods."""
    sales = 365 * receivables / revenue
    stock, supply = 365 * inventory / cost_of_goods_sold, 365 * payables / cost_of_goods_sold
    cycle = round(sales + stock - supply, 1)
    return CashCycle(
        days_sales_outstanding=round(sales, 1),
        days_inventory_outstanding=round(stock, 1),
        days_payables_outstanding=round(supply, 1),
        cycle_days=cycle,
        financed_by_suppliers=cycle < 0,
    )
