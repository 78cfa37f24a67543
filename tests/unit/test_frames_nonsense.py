"""Whatever arrives is a frame or a bad frame, and nothing else ever happens."""

import json

from cj.domain.frames import addressed, parse_frame
from cj.errors import BadFrame
from hypothesis import given
from hypothesis import strategies as st

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.uuids().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
ids = st.uuids().map(str) | json_values
FIELDS = ("id", "cid", "prev", "of", "turn", "text", "after_seq", "gen", "i", "workflow", "zzz")
KINDS = ("start", "message", "retry", "stop", "resume", "action", "oauth_complete", "ping")
nearly_frames = st.fixed_dictionaries(
    {"v": st.just(1) | json_values, "type": st.sampled_from(KINDS)},
    optional={field: st.text() | st.integers() | ids for field in FIELDS},
)


@given(st.text() | json_values.map(json.dumps) | nearly_frames.map(json.dumps))
def test_nonsense_is_a_frame_or_a_bad_frame_and_nothing_else(body: str) -> None:
    try:
        parse_frame(body)
    except BadFrame as refused:
        assert refused.code in {"bad_request", "unsupported", "too_large"}
    for told in addressed(body):
        assert (told or "").isascii()
