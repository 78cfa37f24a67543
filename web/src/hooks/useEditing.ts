import { useCallback, useMemo, useState } from "react";

import type { Chat } from "../chat";

/** The one message of ours that is being said anew; `of` is null when there is none. */
export interface Editing {
  readonly of: string | null;
  readonly text: string;
  readonly onStart: (of: string, text: string) => void;
  readonly onText: (text: string) => void;
  readonly onSave: (text: string) => void;
  readonly onCancel: () => void;
}

/** `onDone` is called when there is nothing to be edited any more. */
export function useEditing(chat: Chat, onDone: () => void): Editing {
  const [of, setOf] = useState<string | null>(null);
  const [text, setText] = useState("");
  const onStart = useCallback((id: string, now: string) => {
    setOf(id);
    setText(now);
  }, []);
  const onCancel = useCallback(() => {
    setOf(null);
    onDone();
  }, [onDone]);
  const onSave = useCallback(
    (anew: string) => {
      if (of !== null) chat.edit(of, anew);
      onCancel();
    },
    [chat, of, onCancel],
  );
  return useMemo(
    () => ({ of, text, onStart, onText: setText, onSave, onCancel }),
    [of, text, onStart, onSave, onCancel],
  );
}
