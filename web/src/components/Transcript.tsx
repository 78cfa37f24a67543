import { Fragment } from "react";

import type { Chat, View } from "../chat";
import type { Message } from "../frames";
import { useScroll } from "../hooks/useScroll";
import { dayOf, isSameDay } from "../moments";
import { awaiting } from "../protocol";
import type { Outgoing } from "../protocol";
import { Bubble, Typing, Waiting } from "./Bubble";
import { Welcome } from "./Welcome";

interface Props {
  readonly chat: Chat;
  readonly view: View;
  readonly onEdit: (said: Outgoing) => void;
}

/** The open conversation, from its first loaded message to what CJ is typing. */
export function Transcript(props: Props) {
  const { transcript, live, cid, outbox } = props.view;
  const start = transcript.messages[0]?.seq ?? 0;
  const end = [cid, transcript.last_seq, outbox.length, live?.next].join(" ");
  const { box, atEnd, onScroll, toEnd } = useScroll(start, end);
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

function Lines({ chat, view, onEdit }: Props) {
  const shown = view.transcript.messages.filter(({ hidden }) => hidden !== true);
  const waiting = view.outbox.filter(({ cid }) => cid === view.cid);
  const typing = awaiting(view);
  if (view.opening !== null && shown.length === 0) return <p className="hint">Opening…</p>;
  if (view.cid !== null && !typing && shown.length + waiting.length === 0) {
    return <Welcome onSay={chat.say} />;
  }
  return (
    <>
      {view.transcript.floor > 0 && (
        <button type="button" className="quiet earlier" onClick={chat.earlier}>
          Show earlier messages
        </button>
      )}
      <ol className="messages">
        <Days messages={shown} />
        {waiting.map((said) => (
          <Waiting key={said.id} of={said} onEdit={onEdit} onDiscard={chat.discard} />
        ))}
        {typing && <Typing live={view.live} />}
      </ol>
    </>
  );
}

function Days({ messages }: { readonly messages: readonly Message[] }) {
  const now = new Date();
  return messages.map((message, index) => {
    const before = messages[index - 1];
    const at = new Date(message.created_at);
    const newDay = before === undefined || !isSameDay(new Date(before.created_at), at);
    return (
      <Fragment key={message.seq}>
        {newDay && <li className="day">{dayOf(message.created_at, now)}</li>}
        <Bubble of={message} />
      </Fragment>
    );
  });
}
