/** The durable part of a conversation: messages by `seq`, 1..n without gaps. Pure. */

import type { Message } from "./frames";

export interface Transcript {
  /** In order of `seq`, each once. */
  readonly messages: readonly Message[];
  /** Everything after `floor` belongs on the page; what is before it is loaded when asked for. */
  readonly floor: number;
  /** The highest `seq` heard of. */
  readonly last_seq: number;
  /** Put away, as the server told; the rows that do it say so too, once they are here. */
  readonly superseded: readonly Span[];
}

/** The rows with from <= seq < by. */
export interface Span {
  readonly from: number;
  readonly by: number;
}

export const EMPTY: Transcript = { messages: [], floor: 0, last_seq: 0, superseded: [] };

const EARLIER = 50;

/** What a conversation is opened with: its newest messages. */
export function opened(messages: readonly Message[], last_seq: number): Transcript {
  const first = messages.at(0);
  return add({ ...EMPTY, floor: first ? first.seq - 1 : last_seq, last_seq }, messages);
}

/** With these messages in their places; a row from the server replaces the one made here. */
export function add(transcript: Transcript, messages: readonly Message[]): Transcript {
  if (messages.length === 0) return transcript;
  const bySeq = new Map([...transcript.messages, ...messages].map((one) => [one.seq, one]));
  const sorted = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  return heardOf({ ...transcript, messages: sorted }, sorted.at(-1)?.seq ?? 0);
}

/** There is a message with this `seq`, whether it is here or not. */
export function heardOf(transcript: Transcript, seq: number): Transcript {
  return seq > transcript.last_seq ? { ...transcript, last_seq: seq } : transcript;
}

/** Without what was put away, and in the knowledge that the row which did it exists. */
export function supersede(transcript: Transcript, span: Span): Transcript {
  if (transcript.superseded.some(({ from, by }) => from === span.from && by === span.by)) {
    return transcript;
  }
  const superseded = [...transcript.superseded, span];
  return heardOf({ ...transcript, superseded }, span.by);
}

/** What people read: neither hidden nor put away. */
export function shown({ messages, superseded }: Transcript): readonly Message[] {
  const spans = messages.flatMap(({ seq: by, supersedes_from: from }) =>
    from == null ? [] : [{ from, by }],
  );
  const all = [...superseded, ...spans];
  const away = (seq: number) => all.some(({ from, by }) => from <= seq && seq < by);
  return messages.filter(({ hidden, seq }) => hidden !== true && !away(seq));
}

/** Asks for more of what was said before. */
export function earlier(transcript: Transcript): Transcript {
  return { ...transcript, floor: Math.max(0, transcript.floor - EARLIER) };
}

export function holds(transcript: Transcript, seq: number): boolean {
  return transcript.messages.some((message) => message.seq === seq);
}

/** The last `seq` before the first hole: the `after_seq` that brings what is missing. */
export function heldThrough({ messages, floor }: Transcript): number {
  let through = floor;
  for (const { seq } of messages) {
    if (seq === through + 1) through = seq;
  }
  return through;
}

/** A hole in `seq` always means that something was missed. */
export function hasHole(transcript: Transcript): boolean {
  return heldThrough(transcript) < transcript.last_seq;
}

/** Through which `seq` everything has its answer. */
export function answeredThrough({ messages }: Transcript): number {
  return Math.max(0, ...messages.filter(isAnswer).map(answersThrough));
}

/** What wants an answer and has none among the rows. */
export function unanswered(transcript: Transcript): readonly Message[] {
  const answered = answeredThrough(transcript);
  return transcript.messages.filter((message) => isInput(message) && message.seq > answered);
}

export function isAnswer(message: { readonly role: string }): boolean {
  return message.role === "assistant";
}

function isInput({ role, hidden }: Message): boolean {
  return role === "user" || hidden === true;
}

function answersThrough(answer: Message): number {
  return answer.answers_through ?? answer.seq - 1;
}
