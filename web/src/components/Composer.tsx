import type { KeyboardEvent, RefObject, SyntheticEvent } from "react";

import type { View } from "../chat";
import { clean, lengthOf, objection } from "../text";

interface Props {
  readonly view: View;
  readonly draft: string;
  readonly input: RefObject<HTMLTextAreaElement | null>;
  readonly onDraft: (text: string) => void;
  readonly onSay: (text: string) => void;
}

/** How near its end the limit is shown. */
const NEAR_END = 500;

/** Where one writes. Enter sends, Shift+Enter makes a new line. */
export function Composer({ view, draft, input, onDraft, onSay }: Props) {
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
      <div className="grow" data-text={draft}>
        <textarea
          ref={input}
          rows={1}
          value={draft}
          placeholder="Write to CJ"
          aria-label="Message to CJ"
          aria-describedby="composer-help"
          aria-invalid={wrong !== null}
          onChange={(event) => {
            onDraft(event.target.value);
          }}
          onKeyDown={(event) => {
            if (isSend(event)) send(event);
          }}
        />
      </div>
      <SendButton disabled={!sendable} />
      <Footnote length={lengthOf(text)} limit={view.textLimit} wrong={wrong} />
    </form>
  );
}

/** While a word is being composed (Japanese, accents), Enter belongs to the input method. */
function isSend(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing;
}

function SendButton({ disabled }: { readonly disabled: boolean }) {
  return (
    <button type="submit" className="send" disabled={disabled}>
      <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
        <path d="M10 16V4M5 9l5-5 5 5" />
      </svg>
      <span className="unseen">Send</span>
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
