import type { KeyboardEvent, RefObject } from "react";

interface Props {
  readonly input: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  readonly label: string;
  readonly help: string;
  readonly wrong: boolean;
  readonly placeholder?: string;
  readonly onText: (text: string) => void;
  readonly onEnter: (event: KeyboardEvent) => void;
}

/** A field that grows with what is written. Enter sends, Shift+Enter makes a new line. */
export function Field(props: Props) {
  const { input, text, label, help, wrong, placeholder, onText, onEnter } = props;
  return (
    <div className="grow" data-text={text}>
      <textarea
        ref={input}
        rows={1}
        value={text}
        placeholder={placeholder}
        aria-label={label}
        aria-describedby={help}
        aria-invalid={wrong}
        onChange={(event) => {
          onText(event.target.value);
        }}
        onKeyDown={(event) => {
          if (isEnter(event)) onEnter(event);
        }}
      />
    </div>
  );
}

/** While a word is being composed (Japanese, accents), Enter belongs to the input method. */
function isEnter(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing;
}
