import { memo } from "react";

import type { Message, Unsaved } from "../frames";
import type { Outgoing } from "../outbox";
import { Moment } from "./Moment";
import { Rests } from "./Rests";
import { Link, Row } from "./Row";

const ENDINGS: Record<string, string> = {
  stopped: "Stopped",
  interrupted: "Interrupted: this answer is not complete",
  error: "CJ could not finish this answer",
};

interface Props {
  readonly of: Message | Unsaved;
  /** What is to take its place, on its way. */
  readonly change?: Outgoing | undefined;
  readonly onRetry?: ((id: string) => void) | undefined;
  readonly onEdit?: ((id: string, text: string) => void) | undefined;
  readonly onDiscard: (id: string) => void;
}

/** One message of the conversation. Its text is shown as text, whatever it holds. */
export const Bubble = memo(function Bubble(props: Props) {
  const { of, change } = props;
  const going = change !== undefined && change.status !== "failed";
  const text = going ? (change.text ?? of.text) : of.text;
  return (
    <Row mine={of.role === "user"} status={statusOf(of, going)}>
      {text !== "" && <div className="text">{text}</div>}
      <p className="meta">
        <Moment at={of.created_at} as="time" />
        {of.model === "scripted-v1" && (
          <span className="badge">rule-based reply, no AI model configured</span>
        )}
        <Ending of={of} />
        {going ? <Going change={change} /> : <Doings {...props} />}
      </p>
      {of.sources != null && of.sources.length > 0 && (
        <Rests sources={of.sources} said={of.created_at} />
      )}
    </Row>
  );
});

function statusOf({ seq }: Props["of"], going: boolean): string | undefined {
  if (going) return "changing";
  return seq === null ? "unsaved" : undefined;
}

function Ending({ of }: { readonly of: Props["of"] }) {
  const ending = ENDINGS[of.status];
  return (
    <>
      {ending !== undefined && (
        <span className={of.status === "stopped" ? undefined : "trouble"}>{ending}</span>
      )}
      {of.seq === null && <span>Not saved yet</span>}
    </>
  );
}

/** What is being done about it. */
function Going({ change: { note, text } }: { readonly change: Outgoing }) {
  return <span>{note ?? (text === null ? "Trying again…" : "Sending…")}</span>;
}

/** What can be done about it. */
function Doings({ of, change, onRetry, onEdit, onDiscard }: Props) {
  const again = change?.text ?? of.text;
  return (
    <>
      {change !== undefined && <span className="trouble">Not changed: {change.note}</span>}
      {onRetry !== undefined && <Retry of={of} onRetry={onRetry} />}
      {onEdit !== undefined && (
        <Link
          discreet={change === undefined}
          onClick={() => {
            onEdit(of.id, again);
          }}
        >
          Edit
        </Link>
      )}
      {change !== undefined && (
        <Link
          onClick={() => {
            onDiscard(change.id);
          }}
        >
          Discard
        </Link>
      )}
    </>
  );
}

interface RetryProps {
  readonly of: Props["of"];
  readonly onRetry: (id: string) => void;
}

function Retry({ of, onRetry }: RetryProps) {
  return (
    <Link
      onClick={() => {
        onRetry(of.id);
      }}
    >
      Try again
    </Link>
  );
}
