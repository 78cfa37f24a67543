import { toolOf } from "../live";
import type { Live } from "../live";
import { wordsFor } from "../tools";
import { Row } from "./Row";

/** CJ at work: the text so far, and what it is looking at. */
export function Typing({ live }: { readonly live: Live | null }) {
  const text = live?.text ?? "";
  const tool = toolOf(live);
  return (
    <Row mine={false} status="typing">
      {text !== "" && <div className="text">{text}</div>}
      <p className="dots">
        <span className="unseen">CJ is typing</span>
        <i />
        <i />
        <i />
        {tool !== null && <span className="tool">{wordsFor(tool)}</span>}
      </p>
    </Row>
  );
}
