"""/order."""

from __future__ import annotations

from simulators.bahmni import orders, privileges
from simulators.bahmni.calls import Call, Route
from simulators.bahmni.clinical_resources import order_node
from simulators.bahmni.errors import bad_request, not_found, not_simulated
from simulators.bahmni.order_model import Order
from simulators.bahmni.representation import DEFAULT, parse
from simulators.server import Response

__all__ = ["ROUTES"]


def _order(call: Call) -> Order:
    """By uuid or by number. Raises 404."""
    row = orders.order_named(call.state, call.uuid)
    if row is None:
        raise not_found()
    return row


def get_order(call: Call) -> Response:
    """One order, voided or not; only `ref` and `custom` tell which."""
    rep = parse(call.first("v"), DEFAULT)
    return Response(200, call.renderer.render(order_node(call.renderer, _order(call)), rep))


def search_orders(call: Call) -> Response:
    """Those of one patient."""
    rows = orders.find_orders(call.state, call.request.query, call.first("t"))
    return call.page([order_node(call.renderer, row) for row in rows])


def post_order(call: Call) -> Response:
    """Orders are written with their encounter only."""
    raise not_simulated("POST /ws/rest/v1/order", "orders written on their own")


def edit_order(call: Call) -> Response:
    """There is no update: what was ordered stays ordered."""
    raise bad_request("ResourceDoesNotSupportOperationException")


def delete_order(call: Call) -> Response:
    """Void."""
    if call.purging:
        raise not_simulated("DELETE /ws/rest/v1/order/{uuid}?purge=true", "purge of an order")
    orders.void_order(call.state, _order(call), call.reason)
    return Response(204)


ROUTES: dict[tuple[str, str], dict[str, Route]] = {
    ("order", ""): {
        "GET": Route(search_orders, privileges.READ_ORDER),
        "POST": Route(post_order, privileges.EDIT_ENCOUNTER),
    },
    ("order", "{uuid}"): {
        "GET": Route(get_order, privileges.READ_ORDER),
        "POST": Route(edit_order, privileges.EDIT_ENCOUNTER),
        "DELETE": Route(delete_order, privileges.VOID_ORDER),
    },
}
