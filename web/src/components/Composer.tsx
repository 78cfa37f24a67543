import { useLayoutEffect, useRef } from "react";
import type { RefObject, SyntheticEvent } from "react";

import type { View } from "../chat";
import { awaiting } from "../state";
import { clean, lengthOf, objection } from "../text";
import { Field } from "./Field";

interface Props {
  readonly view: View;
  readonly draft: string;
  readonly input: RefObject<HTMLTextAreaElement | null>;
  readonly onDraft: (text: string) => void;
  readonly onSay: (text: string) => void;
  readonly onStop: () => void;
}

/** How near its end the limit is shown. */
const NEAR_END = 500;

/** Where one writes, and where CJ is asked to be silent. */
export function Composer({ view, draft, input, onDraft, onSay, onStop }: Props) {
  const text = clean(draft);
  const wrong = objection(text, view.textLimit);
  const sendable = view.cid !== null && wrong === null && text.trim() !== "";
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!sendable) return;
    onSay(text);
    onDraft("");
    input.current?.focus();
  };
  return (
    <form className="composer" onSubmit={send}>
      <Field
        input={input}
        text={draft}
        label="Message to CJ"
        help="composer-help"
        wrong={wrong !== null}
        placeholder="Write to CJ"
        onText={onDraft}
        onEnter={send}
      />
      {awaiting(view) && <StopButton stopping={view.stop !== null} input={input} onStop={onStop} />}
      <SendButton disabled={!sendable} />
      <Footnote length={lengthOf(text)} limit={view.textLimit} wrong={wrong} />
    </form>
  );
}

function SendButton({ disabled }: { readonly disabled: boolean }) {
  return (
    <button type="submit" className="round send" disabled={disabled}>
      <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
        <path d="M10 16V4M5 9l5-5 5 5" />
      </svg>
      <span className="unseen">Send</span>
    </button>
  );
}

interface StopProps {
  readonly stopping: boolean;
  readonly input: RefObject<HTMLTextAreaElement | null>;
  readonly onStop: () => void;
}

/** There while CJ speaks; when it goes, the focus that was on it goes back to the field. */
function StopButton({ stopping, input, onStop }: StopProps) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const self = button.current;
    const field = input.current;
    return () => {
      if (document.activeElement === self) field?.focus();
    };
  }, [input]);
  return (
    <button
      ref={button}
      type="button"
      className="round stop"
      title="Stop (Esc)"
      disabled={stopping}
      onClick={() => {
        onStop();
        input.current?.focus();
      }}
    >
      <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
        <rect x="6" y="6" width="8" height="8" rx="1.5" />
      </svg>
      <span className="unseen">{stopping ? "Stopping…" : "Stop"}</span>
    </button>
  );
}

interface FootnoteProps {
  readonly length: number;
  readonly limit: number;
  readonly wrong: string | null;
}

function Footnote({ length, limit, wrong }: FootnoteProps) {
  const near = length > limit - NEAR_END;
  return (
    <p className="footnote" id="composer-help">
      <span className="keys">Enter sends, Shift + Enter makes a new line</span>
      <span className={wrong === null ? "count" : "count trouble"} role="status">
        {near && `${length.toLocaleString("en")} of ${limit.toLocaleString("en")} characters`}
        {wrong !== null && ` · ${wrong}`}
      </span>
    </p>
  );
}
