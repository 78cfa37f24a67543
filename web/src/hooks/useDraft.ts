import { useCallback, useRef, useState } from "react";
import type { RefObject } from "react";

import type { Chat } from "../chat";
import type { Outgoing } from "../outbox";

export interface Draft {
  readonly input: RefObject<HTMLTextAreaElement | null>;
  readonly focus: () => void;
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly say: (text: string) => void;
  /** How often something was said. */
  readonly said: number;
  readonly takeBack: (refused: Outgoing) => void;
}

/** What is being written; something that was refused can be taken back into it. */
export function useDraft(chat: Chat): Draft {
  const [text, setText] = useState("");
  const [said, setSaid] = useState(0);
  const input = useRef<HTMLTextAreaElement>(null);
  const focus = useCallback(() => {
    input.current?.focus();
  }, []);
  const say = (words: string) => {
    chat.say(words);
    setSaid((times) => times + 1);
  };
  const takeBack = (refused: Outgoing) => {
    chat.discard(refused.id);
    setText((now) => [refused.text ?? "", now].filter((part) => part.trim() !== "").join("\n"));
    focus();
  };
  return { input, focus, text, setText, say, said, takeBack };
}
