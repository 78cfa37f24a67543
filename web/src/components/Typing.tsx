import type { State } from "../state";
import { doingOf } from "../tools";
import { Row } from "./Row";

/** CJ at work: the text so far, and what it is looking at. */
export function Typing({ state }: { readonly state: State }) {
  const text = state.live?.text ?? "";
  const doing = doingOf(state);
  return (
    <Row mine={false} status="typing">
      {text !== "" && <div className="text">{text}</div>}
      <p className="dots">
        <span className="unseen">CJ is typing</span>
        <i />
        <i />
        <i />
        {doing !== null && <span className="doing">{doing}</span>}
      </p>
    </Row>
  );
}
