"""What is refused of one account or workspace is told, whatever is accepted of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from relay.doctor import refused as check
from relay.store.operations.alerts import IN_A_ROW, LATELY
from relay.store.operations.refused import refused
from relay.vocabulary import Refusal
from relay.wiring import build_setup, refusing
from tests.harness import timeline, words
from tests.several.twins import Twins

ALERTS = "C0OPS"


@pytest.fixture
def twins(make_twins: Callable[..., Twins], monkeypatch: pytest.MonkeyPatch) -> Twins:
    monkeypatch.setattr(refusing, "EVERY", 0.0)
    twins = make_twins(shop={"default_channel": "acme/C0SUPPORT"}, alerts={"channel": ALERTS})
    twins.both_write()
    twins.mail.clear()  # what Slack tells of the relay's own posts
    return twins


def told(twins: Twins) -> list[str]:
    twins.clock.advance(60)
    twins.chores()
    return [words(one) for one in timeline(twins.server) if one["channel"] == ALERTS]


def counted(twins: Twins) -> dict[tuple[Refusal, str], int]:
    with twins.store.read() as tx:
        return {(one.why, one.account): one.count for one in refused(tx)}


def write(twins: Twins, *, here: bool = False, there: bool = False) -> set[int]:
    """A customer of one account; the statuses of what Kommunicate sends for it."""
    for sandbox, is_it in ((twins.sandbox, here), (twins.there.sandbox, there)):
        if is_it:
            sandbox.kommunicate.customer_writes("123456", "still there?", name="Jane")
    return set(twins.carry())


def test_a_token_of_one_account_is_told_while_the_other_works(twins: Twins, tmp_path: Path) -> None:
    twins.sandbox.kommunicate.webhook.token = "of-another-relay"
    for _ in range(IN_A_ROW):
        assert write(twins, here=True) == {401}
        assert write(twins, there=True) == {200}
    assert counted(twins) == {(Refusal.TOKEN, "default"): IN_A_ROW}
    assert "KOMMUNICATE_WEBHOOK_TOKEN" in told(twins)[-1]
    (finding,) = check.look(build_setup(twins.relay.settings, twins.store, {}, tmp_path))
    assert (finding.code, finding.where) == ("webhook_refused", "KOMMUNICATE_WEBHOOK_TOKEN")


def test_a_further_accounts_token_is_told_by_its_own_name(twins: Twins, tmp_path: Path) -> None:
    twins.there.sandbox.kommunicate.webhook.token = "of-another-relay"
    for _ in range(IN_A_ROW):
        assert write(twins, there=True) == {401}
        assert write(twins, here=True) == {200}
    said = told(twins)[-1]
    assert "Kommunicate (account shop)" in said
    assert "`kommunicate.accounts.shop.webhook_token`" in said
    assert "KOMMUNICATE_WEBHOOK_TOKEN" not in said
    (finding,) = check.look(build_setup(twins.relay.settings, twins.store, {}, tmp_path))
    assert (finding.code, finding.where) == ("webhook_refused", "SHOP_WEBHOOK_TOKEN")
    assert "SHOP_WEBHOOK_TOKEN" in finding.hint
    twins.there.sandbox.kommunicate.webhook.token = "shop-token"
    assert write(twins, there=True) == {200}
    assert "accepts webhooks from Kommunicate (account shop) again" in told(twins)[-1]


def test_one_alone_is_over_too_though_the_process_that_refused_it_is_gone(twins: Twins) -> None:
    twins.there.sandbox.kommunicate.webhook.token = "of-another-relay"
    assert write(twins, there=True) == {401}
    twins.rename(alerts={"channel": ALERTS})
    twins.clock.advance(1)
    twins.there.sandbox.kommunicate.webhook.token = "shop-token"
    assert counted(twins) == {(Refusal.TOKEN, "shop"): 1}
    assert write(twins, there=True) == {200}
    assert told(twins) == []
    assert counted(twins) == {}


@pytest.mark.parametrize("is_told", [True, False])
def test_what_was_refused_of_an_account_that_is_not_named_any_more_is_forgotten(
    twins: Twins, tmp_path: Path, *, is_told: bool
) -> None:
    twins.there.sandbox.kommunicate.webhook.token = "of-another-relay"
    for _ in range(IN_A_ROW):
        assert write(twins, there=True) == {401}
    before = told(twins) if is_told else []
    twins.rename(accounts=False, alerts={"channel": ALERTS})
    assert not list(check.look(build_setup(twins.relay.settings, twins.store, {}, tmp_path)))
    after = told(twins)[len(before) :]
    assert counted(twins) == {}
    assert not [one for one in after if "another token" in one or "accepts again" in one]


def test_a_secret_of_one_workspace_is_told_while_the_other_works(twins: Twins) -> None:
    twins.there.sandbox.slack.sender.signing_secret = "of-another-app"
    for number in range(IN_A_ROW):
        twins.agent_there(f"lost {number}")
        assert set(twins.carry()) == {401}
        twins.agent(f"heard {number}")
        assert set(twins.carry()) == {200}
    assert counted(twins) == {(Refusal.SIGNATURE, "default"): IN_A_ROW}
    assert "signed with a secret other than the relay's" in told(twins)[-1]
    twins.agent("heard once more")
    assert set(twins.carry()) == {200}
    assert len(told(twins)) == 1
    twins.clock.advance(LATELY)
    assert "accepts Slack's requests again" in told(twins)[-1]


def test_without_a_signing_secret_none_is_expected(twins: Twins) -> None:
    acme = replace(twins.relay.settings.workspaces["acme"], signing_secrets=())
    twins.relay.settings = replace(twins.relay.settings, slack_signing_secrets=(), workspaces={"acme": acme})
    twins.agent("by a stranger")
    assert set(twins.carry()) == {401}
    assert counted(twins) == {}
