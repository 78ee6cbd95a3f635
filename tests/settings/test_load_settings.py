"""Environment and files to settings: defaults, precedence, and every problem at once."""

from __future__ import annotations

import pytest

from relay.errors import SettingsError
from relay.settings import (
    NEEDS,
    SECRETS,
    Config,
    Need,
    Settings,
    check_settings,
    environment,
    ephemeral_host,
    load_settings,
)

GOOD = {
    "KOMMUNICATE_WEBHOOK_TOKEN": "hook-token",
    "SLACK_BOT_TOKEN": "xoxb-1-2",
    "RELAY_CONFIG_YAML": "default_channel: C0X",
}
SERVE = NEEDS["serve"]


def problems(cwd, need=SERVE, **changes: str | None) -> list[tuple[str, str]]:
    """Code and place of every finding of a good environment with these changes; None removes."""
    env = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return [(finding.code, finding.where) for finding in check_settings(env, need=need, cwd=cwd)[1]]


def loaded(cwd, **changes: str) -> Settings:
    return load_settings(GOOD | changes, need=SERVE, cwd=cwd)


def test_the_defaults_are_those_of_the_table(tmp_path):
    assert loaded(tmp_path) == Settings(
        port=8080,
        host="127.0.0.1",
        database_url="sqlite:///relay.db",
        config=Config(default_channel="C0X"),
        webhook_tokens=("hook-token",),
        kommunicate_api_url="https://services.kommunicate.io",
        slack_bot_token="xoxb-1-2",
        slack_api_url="https://slack.com/api/",
        env="production",
    )


@pytest.mark.parametrize(
    ("name", "value", "field", "wanted"),
    [
        ("PORT", "0", "port", 0),
        ("PORT", "65535", "port", 65535),
        ("PORT", "5000", "host", "0.0.0.0"),
        ("HOST", "::1", "host", "::1"),
        ("DATABASE_URL", "postgres://u:p@h/d", "database_url", "postgres://u:p@h/d"),
        ("DATABASE_URL", "postgresql://h/d?x=1", "database_url", "postgresql://h/d?x=1"),
        ("KOMMUNICATE_WEBHOOK_TOKEN", "old, new,", "webhook_tokens", ("old", "new")),
        ("KOMMUNICATE_API_KEY", "key", "kommunicate_api_key", "key"),
        ("KOMMUNICATE_API_KEY", "", "kommunicate_api_key", None),
        ("KOMMUNICATE_API_URL", "http://127.0.0.1:9/", "kommunicate_api_url", "http://127.0.0.1:9"),
        ("SLACK_SIGNING_SECRET", "old,new", "slack_signing_secrets", ("old", "new")),
        ("SLACK_APP_TOKEN", "xapp-1-A-2-b", "slack_app_token", "xapp-1-A-2-b"),
        ("SLACK_API_URL", "http://127.0.0.1:9/api", "slack_api_url", "http://127.0.0.1:9/api/"),
        ("RELAY_ADMIN_PASSWORD", "correct horse", "admin_password", "correct horse"),
        ("RELAY_METRICS_TOKEN", "m", "metrics_token", "m"),
        ("RELAY_ALLOW_EPHEMERAL", "1", "allow_ephemeral", True),
        ("DATABASE_POOLER", "1", "database_pooler", True),
        ("RELAY_ENV", "test", "env", "test"),
    ],
)
def test_a_variable_sets_its_field(tmp_path, name, value, field, wanted):
    assert getattr(loaded(tmp_path, **{name: value}), field) == wanted


def test_host_wins_over_what_port_implies(tmp_path):
    assert loaded(tmp_path, PORT="5000", HOST="127.0.0.1").host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("PORT", "65536", "bad_port"),
        ("PORT", "-1", "bad_port"),
        ("PORT", "http", "bad_port"),
        ("PORT", "", "empty"),
        ("HOST", "", "empty"),
        ("HOST", "http://x", "bad_host"),
        ("DATABASE_URL", "", "empty"),
        ("DATABASE_URL", "mysql://h/d", "bad_database"),
        ("DATABASE_URL", "relay.db", "bad_database"),
        ("DATABASE_URL", "postgres://u:a b@h/d", "whitespace"),
        ("KOMMUNICATE_WEBHOOK_TOKEN", None, "missing"),
        ("KOMMUNICATE_WEBHOOK_TOKEN", "", "empty"),
        ("KOMMUNICATE_WEBHOOK_TOKEN", " , ", "empty"),
        ("KOMMUNICATE_WEBHOOK_TOKEN", "two words", "whitespace"),
        ("KOMMUNICATE_WEBHOOK_TOKEN", "line\n", "whitespace"),
        ("KOMMUNICATE_WEBHOOK_TOKEN", "good,change-me", "placeholder"),
        ("SLACK_BOT_TOKEN", None, "missing"),
        ("SLACK_BOT_TOKEN", "", "empty"),
        ("SLACK_BOT_TOKEN", "xoxb-...", "placeholder"),
        ("SLACK_BOT_TOKEN", "xapp-1", "wrong_token"),
        ("SLACK_BOT_TOKEN", "xoxp-1", "wrong_token"),
        ("SLACK_BOT_TOKEN", "xoxb-1,xoxb-2", "several_tokens"),
        ("SLACK_BOT_TOKEN", "fake", "odd_token"),
        ("SLACK_SIGNING_SECRET", "xoxb-1", "wrong_token"),
        ("SLACK_APP_TOKEN", "xoxb-1", "wrong_token"),
        ("SLACK_APP_TOKEN", "xapp-\u00e9", "wrong_token"),
        ("SLACK_API_URL", "slack.com", "bad_url"),
        ("SLACK_API_URL", "https://[", "bad_url"),
        ("KOMMUNICATE_API_URL", "ftp://x", "bad_url"),
        ("RELAY_ADMIN_PASSWORD", "change-me", "placeholder"),
        ("RELAY_METRICS_TOKEN", "a b", "whitespace"),
        ("RELAY_ALLOW_EPHEMERAL", "yes", "wrong_value"),
        ("DATABASE_POOLER", "pgbouncer", "wrong_value"),
        ("RELAY_FAILPOINT", "before-send", "failpoint"),
        ("RELAY_CONFIG", "other.yaml", "both_set"),
        ("RELAY_CONFIG_YAML", "", "empty"),
    ],
)
def test_a_wrong_variable_is_one_finding_that_names_it(tmp_path, name, value, code):
    assert problems(tmp_path, **{name: value}) == [(code, name)]


def test_only_an_odd_bot_token_is_no_more_than_a_warning(tmp_path):
    assert [finding.code for finding in loaded(tmp_path, SLACK_BOT_TOKEN="fake").warnings] == ["odd_token"]


KEY = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("database", ""),
        ("kept", "{cwd}/kept"),
        ("./kept/../other", "{cwd}/other"),
        ("/var/lib/relay", "file:///var/lib/relay"),
        ("file:///var/lib/relay%20files/", "file:///var/lib/relay%20files"),
        ("s3://bucket", "s3://bucket"),
        ("s3://my.bucket-1/one/two/", "s3://my.bucket-1/one/two"),
    ],
)
def test_files_are_kept_where_the_environment_says(tmp_path, value, place):
    files = loaded(tmp_path, RELAY_FILES=value, AWS_REGION="eu-central-1", **KEY).files
    assert files.place == place.format(cwd=tmp_path.as_uri())
    assert files.most == (None if place else 10**9)


@pytest.mark.parametrize("value", ["", "s3://", "s3://B/x", "s3://b", "s3://bucket/a b", "s3://bucket//x", "gs://bucket",
                                   "file://host/x", "file:x", "https://x", " kept", "s3://bucket/../x?y"])  # fmt: skip
def test_a_place_for_files_that_is_none_is_one_finding(tmp_path, value):
    assert problems(tmp_path, RELAY_FILES=value, AWS_REGION="eu-central-1", **KEY) == [
        ("bad_place" if value else "empty", "RELAY_FILES")
    ]


def test_a_folder_for_files_that_cannot_be_one_is_one_finding(tmp_path):
    (tmp_path / "file").touch()
    assert problems(tmp_path, RELAY_FILES="file") == [("bad_folder", "RELAY_FILES")]
    assert problems(tmp_path, RELAY_FILES="file/below") == [("bad_folder", "RELAY_FILES")]


def test_a_bucket_needs_a_key_and_a_region(tmp_path):
    names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"]
    assert problems(tmp_path, RELAY_FILES="s3://bucket") == [("missing", name) for name in names]
    assert problems(tmp_path, RELAY_FILES="s3://bucket", AWS_DEFAULT_REGION="x y", **KEY) == [
        ("wrong_value", "AWS_REGION")
    ]


def test_another_service_has_an_address_of_its_own(tmp_path):
    address = {"AWS_ENDPOINT_URL": "https://other.example", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"}
    access = loaded(tmp_path, RELAY_FILES="s3://bucket", **KEY, **address).files.access
    assert access is not None
    assert (access.address, access.region) == ("http://127.0.0.1:9000", "us-east-1")
    address["AWS_ENDPOINT_URL_S3"] = "minio:9000"
    assert problems(tmp_path, RELAY_FILES="s3://bucket", **KEY, **address) == [("bad_url", "AWS_ENDPOINT_URL_S3")]


def test_what_is_there_for_other_programs_is_no_finding(tmp_path):
    assert problems(tmp_path, AWS_ACCESS_KEY_ID="key", AWS_REGION="no region", AWS_ENDPOINT_URL="s3") == []


@pytest.mark.parametrize(
    ("value", "most"), [("500 MB", 500_000_000), ("2GB", 2_000_000_000), ("1 TB", 10**12), ("none", None)]
)
def test_room_for_files_is_a_size(tmp_path, value, most):
    assert loaded(tmp_path, RELAY_FILES_MAX=value).files.most == most


@pytest.mark.parametrize("value", ["0 MB", "-1 GB", "1", "1 gb", "many", "1.5 GB", "9999999 GB"])
def test_room_that_is_no_size_is_one_finding(tmp_path, value):
    assert problems(tmp_path, RELAY_FILES_MAX=value) == [("bad_size", "RELAY_FILES_MAX")]


@pytest.mark.parametrize(
    "value", ["relay.example.com", "ftp://x", "https://", "https://x?y", "https://u@x", "https://x y"]
)
def test_an_address_for_customers_that_is_none_is_one_finding(tmp_path, value):
    assert problems(tmp_path, RELAY_PUBLIC_URL=value) == [("bad_url", "RELAY_PUBLIC_URL")]


def test_an_address_for_customers_that_anybody_can_read_along_is_a_warning(tmp_path):
    assert [one.code for one in loaded(tmp_path, RELAY_PUBLIC_URL="http://relay.example.com").warnings] == ["not_https"]
    assert loaded(tmp_path, RELAY_PUBLIC_URL="http://127.0.0.1:8080/").public_url == "http://127.0.0.1:8080"


def test_a_failpoint_is_taken_in_tests(tmp_path):
    assert (
        loaded(tmp_path, RELAY_ENV="test", RELAY_FAILPOINT="settle.after_commit:4").failpoint == "settle.after_commit:4"
    )


def test_the_error_lists_every_problem_of_environment_and_file(tmp_path):
    env = {"PORT": "x", "RELAY_CONFIG_YAML": "retention: x\nchanels: {}"}
    with pytest.raises(SettingsError) as caught:
        load_settings(env, need=SERVE, cwd=tmp_path)
    where = {finding.where for finding in caught.value.findings}
    config = {"RELAY_CONFIG_YAML:1:12", "RELAY_CONFIG_YAML:2:1"}
    assert where == config | {"PORT", "KOMMUNICATE_WEBHOOK_TOKEN", "SLACK_BOT_TOKEN"}
    assert all(str(finding) in str(caught.value) for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("need", "missing"),
    [
        (NEEDS["serve"], {"KOMMUNICATE_WEBHOOK_TOKEN", "SLACK_BOT_TOKEN", "config.yaml"}),
        (NEEDS["worker"], {"SLACK_BOT_TOKEN", "config.yaml"}),
        (NEEDS["check"], {"config.yaml"}),
        ({Need.TOKEN}, {"KOMMUNICATE_WEBHOOK_TOKEN"}),
        (NEEDS["migrate"], set()),
        (NEEDS["deliveries"], set()),
    ],
)
def test_a_command_asks_only_for_what_it_needs(tmp_path, need, missing):
    _, found = check_settings({}, need=need, cwd=tmp_path)
    assert {finding.where for finding in found} == missing


def test_migrate_does_not_mind_what_it_does_not_need(tmp_path):
    wrong = {"PORT": "x", "SLACK_BOT_TOKEN_FILE": "gone", "RELAY_CONFIG": "gone", "DATABASE_URL": "sqlite:///x.db"}
    assert load_settings(wrong, need=NEEDS["migrate"], cwd=tmp_path).database_url == "sqlite:///x.db"


def test_the_config_file_is_found_from_the_working_directory(tmp_path):
    (tmp_path / "mine.yaml").write_bytes(b"\xef\xbb\xbfdefault_channel: C0MINE\r\n")
    env = {"RELAY_CONFIG": "mine.yaml", "RELAY_CONFIG_YAML": ""}
    assert load_settings(env, need=NEEDS["check"], cwd=tmp_path).config.default_channel == "C0MINE"


@pytest.mark.parametrize(
    ("name", "content", "where", "said"),
    [
        ("gone.yaml", None, "gone.yaml", "The config file gone.yaml does not exist."),
        (".", None, ".", "cannot be read: Is a directory."),
        ("a\0b", None, "a\0b", "the path is not valid"),
        ("default_channel: C0X\n", None, "RELAY_CONFIG", "must be the path of a file"),
        ("latin.yaml", "a: 1\n# caf\xe9".encode("latin-1"), "latin.yaml:2:6", "not UTF-8"),
        ("wide.yaml", "a: 1".encode("utf-16"), "wide.yaml:1:1", "not UTF-8"),
    ],
)
def test_a_config_file_that_cannot_be_read_is_one_finding(tmp_path, name, content, where, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    _, (finding,) = check_settings({"RELAY_CONFIG": name}, need=NEEDS["check"], cwd=tmp_path)
    assert finding.where == where
    assert said in finding.message


def test_an_endless_config_file_is_refused(tmp_path):
    assert problems(tmp_path, RELAY_CONFIG="/dev/zero", RELAY_CONFIG_YAML=None) == [("too_big", "/dev/zero:1:1")]


def test_the_real_environment_wins_over_the_file_even_when_empty(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("RELAY_A=file\nRELAY_B=file\nRELAY_C='a$b ${HOME}'\nRELAY_D\n")
    monkeypatch.setenv("RELAY_A", "real")
    monkeypatch.setenv("RELAY_B", "")
    env = environment(tmp_path)
    assert (env["RELAY_A"], env["RELAY_B"], env["RELAY_C"]) == ("real", "", "a$b ${HOME}")
    assert "RELAY_D" not in env


def test_an_env_file_that_is_no_text_is_a_settings_error(tmp_path):
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    with pytest.raises(SettingsError, match=r"`\.env` cannot be read: it is not UTF-8 text"):
        environment(tmp_path)


@pytest.mark.parametrize("name", ["DYNO", "RENDER", "FLY_APP_NAME", "RAILWAY_ENVIRONMENT"])
def test_it_sees_hosts_that_wipe_their_disk(name):
    assert ephemeral_host({name: "x"}) == name
    assert ephemeral_host({name: ""}) is None


def test_no_secret_stands_in_the_settings_as_text(tmp_path):
    secrets = {name: f"xoxb-canary-{name}" for name in SECRETS} | {"DATABASE_URL": "postgres://u:canary@h/d"}
    secrets |= {"SLACK_SIGNING_SECRET": "canary-signing", "SLACK_APP_TOKEN": "xapp-canary"}
    assert "canary" not in repr(loaded(tmp_path, **secrets))


@pytest.mark.parametrize(
    ("set_to", "told"),
    [
        ("SLACK_TOKEN", "SLACK_BOT_TOKEN is not set, but SLACK_TOKEN is."),
        ("SLACK_APP_TOKEN", "SLACK_BOT_TOKEN is not set."),
        ("ELSE", "SLACK_BOT_TOKEN is not set."),
    ],
)
def test_a_variable_whose_name_was_misspelt_is_told(tmp_path, set_to, told):
    """One that has a meaning of its own is no misspelt one."""
    env = {name: value for name, value in GOOD.items() if name != "SLACK_BOT_TOKEN"} | {set_to: "xapp-canary"}
    _, found = check_settings(env, need=NEEDS["serve"], cwd=tmp_path)
    assert [one.message for one in found] == [told]
