import { Fragment, memo } from "react";

import type { Chat, View } from "../chat";
import type { Message, Unsaved } from "../frames";
import type { Editing } from "../hooks/useEditing";
import { useScroll } from "../hooks/useScroll";
import { toolOf } from "../live";
import { dayOf, isSameDay } from "../moments";
import type { Outgoing } from "../outbox";
import { awaiting, forgetful, retries, retryable, waiting } from "../state";
import { shown } from "../transcript";
import { Bubble } from "./Bubble";
import { Editor } from "./Editor";
import { Typing } from "./Typing";
import { Waiting } from "./Waiting";
import { Welcome } from "./Welcome";

interface Props {
  readonly chat: Chat;
  readonly view: View;
  readonly editing: Editing;
  /** How often something was said on this page. */
  readonly said: number;
  readonly onSay: (text: string) => void;
  readonly onEdit: (said: Outgoing) => void;
  readonly onConnect: () => void;
}

/** The open conversation, from its first loaded message to what CJ is typing. */
export function Transcript(props: Props) {
  const { transcript, live, cid, outbox, unsaved } = props.view;
  const start = transcript.messages[0]?.seq ?? 0;
  const counts = [transcript.last_seq, outbox.length, unsaved.length, live?.next, toolOf(live)];
  const anew = [cid, props.said].join(" ");
  const { box, atEnd, onScroll, toEnd } = useScroll(start, counts.join(" "), anew);
  return (
    <div className="scroll" ref={box} onScroll={onScroll}>
      <div className="column" role="region" aria-label="Conversation" tabIndex={0}>
        <Lines {...props} />
      </div>
      {!atEnd && (
        <button type="button" className="outlined to-end" onClick={toEnd}>
          Newest messages
        </button>
      )}
    </div>
  );
}

function Lines(props: Props) {
  const { chat, view, onSay, onEdit, onConnect } = props;
  const lines = [...shown(view.transcript), ...view.unsaved];
  const ours = waiting(view);
  const typing = awaiting(view);
  if (view.opening !== null && lines.length === 0) return <p className="hint">Opening…</p>;
  if (view.cid !== null && !typing && lines.length + ours.length === 0) {
    return <Welcome shop={view.shop} store={view.store} onSay={onSay} onConnect={onConnect} />;
  }
  return (
    <>
      {view.transcript.floor > 0 && (
        <button type="button" className="quiet earlier" onClick={chat.earlier}>
          Show earlier messages
        </button>
      )}
      <ol className="messages">
        <Days {...props} lines={lines} />
        {ours.map((said) => (
          <Waiting key={said.id} of={said} onEdit={onEdit} onDiscard={chat.discard} />
        ))}
        {typing && <Typing state={view} />}
      </ol>
    </>
  );
}

type Line = Message | Unsaved;

function Days({ lines, ...props }: Props & { readonly lines: readonly Line[] }) {
  const now = new Date();
  const changes = retries(props.view);
  const again = retryable(props.view);
  return lines.map((line, index) => {
    const before = lines[index - 1];
    const at = new Date(line.created_at);
    const newDay = before === undefined || !isSameDay(new Date(before.created_at), at);
    return (
      <Fragment key={line.client_id ?? line.id}>
        {newDay && <Day at={dayOf(line.created_at, now)} />}
        <One {...props} of={line} change={changes.get(line.id)} again={line === again} />
      </Fragment>
    );
  });
}

const Day = memo(function Day({ at }: { readonly at: string }) {
  return <li className="day">{at}</li>;
});

interface OneProps extends Pick<Props, "chat" | "view" | "editing"> {
  readonly of: Line;
  readonly change: Outgoing | undefined;
  readonly again: boolean;
}

/** A message as it is, or in the making anew. */
function One({ chat, view, editing, of, change, again }: OneProps) {
  if (editing.of === of.id) {
    return (
      <Editor
        text={editing.text}
        limit={view.textLimit}
        onText={editing.onText}
        onSave={editing.onSave}
        onCancel={editing.onCancel}
      />
    );
  }
  const editable = of.role === "user" && of.seq !== null && !forgetful(view);
  return (
    <Bubble
      of={of}
      change={change}
      onRetry={again ? chat.tryAgain : undefined}
      onEdit={editable ? editing.onStart : undefined}
      onDiscard={chat.discard}
    />
  );
}
