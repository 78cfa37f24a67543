import { useEffect, useId, useRef } from "react";
import type { KeyboardEvent, SyntheticEvent } from "react";

import { clean, objection } from "../text";
import { Field } from "./Field";
import { Link, Row } from "./Row";

interface Props {
  readonly text: string;
  readonly limit: number;
  readonly onText: (text: string) => void;
  readonly onSave: (text: string) => void;
  readonly onCancel: () => void;
}

/** A message of ours, being said anew in its place. Escape leaves it as it was. */
export function Editor({ text, limit, onText, onSave, onCancel }: Props) {
  const input = useCursorAtEnd();
  const help = useId();
  const said = clean(text);
  const wrong = objection(said, limit);
  const sendable = wrong === null && said.trim() !== "";
  const save = (event: SyntheticEvent) => {
    event.preventDefault();
    if (sendable) onSave(said);
  };
  const leave = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
    event.stopPropagation(); // it is not CJ that is to be silent
    onCancel();
  };
  return (
    <Row mine status="editing">
      <form className="editor" onSubmit={save} onKeyDown={leave}>
        <Field
          input={input}
          text={text}
          label="Your message, anew"
          help={help}
          wrong={wrong !== null}
          onText={onText}
          onEnter={save}
        />
        <p className="meta">
          <span id={help} className={wrong === null ? undefined : "trouble"}>
            {wrong ?? "CJ answers again from here."}
          </span>
          <Link onClick={onCancel}>Cancel</Link>
          <button type="submit" className="link" disabled={!sendable}>
            Save
          </button>
        </p>
      </form>
    </Row>
  );
}

function useCursorAtEnd() {
  const input = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const field = input.current;
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  }, []);
  return input;
}
