"""Post fills: the kernel that moves cash, positions and contracts between accounts."""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.base.jit import inlined, kernel, summing
from sim.kernels.accounts.changes import note
from sim.kernels.options.portfolio import has_options
from sim.records import OPTIONS, RESERVE

NO_HOLDER = -1


class Books(NamedTuple):
    """What posting keeps beside `Holdings`."""

    cost: Any  # of positions, by instrument and account
    account_of: Any  # of each row of slots
    wide: Any  # lots of those who hold every contract, a row an account
    changes: Any  # whose cash or positions have changed
    option_fills: Any  # how many fills of options there were, shape (1,)


class Totals(NamedTuple):
    """Cash, positions and lots of every option contract by population."""

    population_of: Any
    cash: Any
    position: Any
    contract: Any


@inlined
def carry(position, cost, account, instrument, lots, value):
    """Add lots to a dense position and keep its cost at the average entry."""
    before = position[instrument, account]
    after = before + lots
    if after == 0:
        cost[instrument, account] = 0.0
    elif before == 0 or (before > 0) == (lots > 0):
        cost[instrument, account] += value
    elif (before > 0) == (after > 0):
        cost[instrument, account] *= after / before
    else:
        cost[instrument, account] = value * (after / lots)
    position[instrument, account] = after


@inlined
def hold(holdings, wide, account, number, lots):
    """Add lots of an option to a holder's row; False if the row is full."""
    contract, qty, holder = holdings.contract, holdings.qty, holdings.holder_of[account]
    if holder < NO_HOLDER:
        wide[NO_HOLDER - 1 - holder, number] += lots
        return True
    vacant = -1
    for slot in range(contract.shape[0]):
        held = contract[slot, holder]
        if held == number:
            qty[slot, holder] += lots
            if qty[slot, holder] == 0:
                contract[slot, holder] = -1
            return True
        if held < 0 and vacant < 0:
            vacant = slot
    if vacant < 0:
        return False
    contract[vacant, holder] = number
    qty[vacant, holder] = lots
    return True


@inlined
def has_room(holdings, account, number):
    """Whether a holder's row has a slot for this contract; wide rows always have, no row never."""
    contract, holder = holdings.contract, holdings.holder_of[account]
    if holder < NO_HOLDER:
        return True
    if holder == NO_HOLDER:
        return False
    for slot in range(contract.shape[0]):
        if contract[slot, holder] == number or contract[slot, holder] < 0:
            return True
    return False


@kernel
def post(fills, first, last, terms, contracts, fee_account, holdings, books, totals):
    """Post fills[first:last]; returns the row at which a holder's row was full, else `last`.

    Parameters
    ----------
    terms, contracts : ndarray of TERMS, CONTRACT
    fee_account : int
    holdings : Holdings
    books : Books
    totals : Totals
    """
    cash, cash_total, population_of = holdings.cash, totals.cash, totals.population_of
    for i in range(first, last):
        maker, taker = fills[i]["maker"], fills[i]["taker"]
        instrument, lots = fills[i]["instrument"], fills[i]["qty"]
        buyer, seller = population_of[taker], population_of[maker]
        if instrument >= OPTIONS:
            number = instrument - OPTIONS
            value = lots * contracts[number]["lot"] * fills[i]["price"]
            if not (has_room(holdings, taker, number) and has_room(holdings, maker, number)):
                return i
            books.option_fills[0] += 1
            hold(holdings, books.wide, taker, number, lots)
            hold(holdings, books.wide, maker, number, -lots)
            totals.contract[buyer, number] += lots
            totals.contract[seller, number] -= lots
        else:
            value = lots * terms[instrument]["lot"] * fills[i]["price"]
            carry(holdings.position, books.cost, taker, instrument, lots, value)
            carry(holdings.position, books.cost, maker, instrument, -lots, -value)
            totals.position[buyer, instrument] += lots
            totals.position[seller, instrument] -= lots
        note(books.changes, maker)
        note(books.changes, taker)
        paid, rebated = fills[i]["fee"], fills[i]["maker_fee"]
        cash[taker] -= value + paid
        cash[maker] += value - rebated
        cash[fee_account] += paid + rebated
        cash_total[buyer] -= value + paid
        cash_total[seller] += value - rebated
        cash_total[population_of[fee_account]] += paid + rebated
    return last


@inlined
def is_flat(account, terms, position, holder_of, qty):
    """Whether an account holds nothing that can be closed or sold; its reserve cannot be reached."""
    for instrument in range(position.shape[0]):
        if position[instrument, account] != 0 and terms[instrument]["kind"] != RESERVE:
            return False
    holder = holder_of[account]
    return holder < 0 or not has_options(holder, qty)


@kernel
def find_flat(accounts, terms, position, holder_of, qty, flat):
    """List the accounts that hold nothing but cash, in the order given; returns how many."""
    found = 0
    for i in range(accounts.size):
        if is_flat(accounts[i], terms, position, holder_of, qty):
            flat[found] = accounts[i]
            found += 1
    return found


@kernel
def realise(accounts, opening, cash, terms, position, holder_of, qty, profit):
    """Cash of flat accounts beyond their opening cash, 0 for others; returns how many are not 0."""
    found = 0
    for i in range(accounts.size):
        profit[i] = 0.0
        if is_flat(accounts[i], terms, position, holder_of, qty):
            profit[i] = cash[accounts[i]] - opening[i]
        if profit[i] != 0.0:
            found += 1
    return found


@kernel
def transfer(amounts, population_of, cash, cash_total, changes):
    """Add an amount to every account's cash."""
    for account in range(amounts.size):
        if amounts[account] != 0.0:
            cash[account] += amounts[account]
            cash_total[population_of[account]] += amounts[account]
            note(changes, account)


@summing
def sums(values):
    """Sum of a column and of its absolute values; the last bits depend on the machine."""
    total = gross = 0.0
    for i in range(values.size):
        total += values[i]
        gross += abs(values[i])
    return total, gross


@kernel
def residual(cash, position, issued, lots_out):
    """Sums that conservation fixes.

    Writes the sum of every dense instrument into `lots_out`; returns the sum of cash, that of its
    absolute values, and whether every instrument sums to what was issued.
    """
    is_whole = True
    for instrument in range(position.shape[0]):
        lots = 0
        for account in range(position.shape[1]):
            lots += position[instrument, account]
        lots_out[instrument] = lots
        is_whole = is_whole and lots == issued[instrument]
    total, gross = sums(cash)
    return total, gross, is_whole


@kernel
def option_residual(wide, qty, contract, lots_out):
    """Write the sum of every option contract into `lots_out`."""
    for number in range(wide.shape[1]):
        lots = 0
        for row in range(wide.shape[0]):
            lots += wide[row, number]
        lots_out[number] = lots
    for slot in range(contract.shape[0]):
        for holder in range(contract.shape[1]):
            if contract[slot, holder] >= 0:
                lots_out[contract[slot, holder]] += qty[slot, holder]
