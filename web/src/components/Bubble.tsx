import { memo } from "react";
import type { ReactNode } from "react";

import type { Message } from "../frames";
import type { Live } from "../live";
import type { Outgoing } from "../protocol";
import { Moment } from "./Moment";

const ENDINGS: Record<string, string> = {
  stopped: "Stopped",
  interrupted: "Interrupted: this answer is not complete",
  error: "CJ could not finish this answer",
};

/** One message of the conversation. Its text is shown as text, whatever it holds. */
export const Bubble = memo(function Bubble({ of }: { readonly of: Message }) {
  const mine = of.role === "user";
  const ending = ENDINGS[of.status];
  return (
    <Frame mine={mine}>
      <div className="text">{of.text}</div>
      <p className="meta">
        <Moment at={of.created_at} as="time" />
        {of.model === "scripted-v1" && (
          <span className="badge">rule-based reply, no AI model configured</span>
        )}
        {ending !== undefined && <span className="trouble">{ending}</span>}
      </p>
    </Frame>
  );
});

interface WaitingProps {
  readonly of: Outgoing;
  readonly onEdit: (said: Outgoing) => void;
  readonly onDiscard: (id: string) => void;
}

/** A message of ours that is not known to have arrived. */
export function Waiting({ of, onEdit, onDiscard }: WaitingProps) {
  return (
    <Frame mine status={of.status}>
      <div className="text">{of.text}</div>
      <p className="meta">
        {of.status === "sending" && <span>{of.note ?? "Sending…"}</span>}
        {of.status === "unsaved" && <span className="trouble">Not saved yet</span>}
        {of.status === "failed" && (
          <>
            <span className="trouble">Not sent: {of.note}</span>
            <button
              type="button"
              className="link"
              onClick={() => {
                onEdit(of);
              }}
            >
              Edit
            </button>
            <button
              type="button"
              className="link"
              onClick={() => {
                onDiscard(of.id);
              }}
            >
              Discard
            </button>
          </>
        )}
      </p>
    </Frame>
  );
}

/** CJ at work: the text so far, or dots until there is some. */
export function Typing({ live }: { readonly live: Live | null }) {
  const text = live?.text ?? "";
  return (
    <Frame mine={false} status="typing">
      {text !== "" && <div className="text">{text}</div>}
      <p className="dots">
        <span className="unseen">CJ is typing</span>
        <i />
        <i />
        <i />
      </p>
    </Frame>
  );
}

interface FrameProps {
  readonly mine: boolean;
  readonly status?: string;
  readonly children: ReactNode;
}

function Frame({ mine, status, children }: FrameProps) {
  return (
    <li className={mine ? "row mine" : "row"} data-status={status}>
      {!mine && <img className="avatar" src="/favicon.svg" alt="" width="28" height="28" />}
      <div className="bubble">
        <span className="unseen">{mine ? "You:" : "CJ:"}</span>
        {children}
      </div>
    </li>
  );
}
