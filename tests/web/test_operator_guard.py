"""One guard stands before all of the operator's pages."""

from gosellr.core.route_policy import api_routes, policies_of
from gosellr.web.operator.frame import AdmitStaff
from tests.api.matrix.routes import bare_application


def test_every_page_of_the_operator_has_the_guard() -> None:
    guarded = {
        str(one.path): all(isinstance(held, AdmitStaff) for held in policies_of(one.dependant))
        for one in api_routes(bare_application())
        if str(one.path).startswith("/operator")
    }
    assert len(guarded) > 20
    assert all(guarded.values()), [path for path, held in guarded.items() if not held]
