/** The durable part of a conversation: messages by `seq`, 1..n without gaps. Pure. */

import type { Message } from "./frames";

export interface Transcript {
  /** In order of `seq`, each once. */
  readonly messages: readonly Message[];
  /** Everything after `floor` belongs on the page; what is before it is loaded when asked for. */
  readonly floor: number;
  /** The highest `seq` heard of. */
  readonly last_seq: number;
}

export const EMPTY: Transcript = { messages: [], floor: 0, last_seq: 0 };

const EARLIER = 50;

/** What a conversation is opened with: its newest messages. */
export function opened(messages: readonly Message[], last_seq: number): Transcript {
  const first = messages.at(0);
  return add({ messages: [], floor: first ? first.seq - 1 : last_seq, last_seq }, messages);
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

/** Does something that was said still wait for CJ? */
export function awaitsAnswer({ messages }: Transcript): boolean {
  const answered = Math.max(0, ...messages.filter(isAnswer).map(answersThrough));
  return messages.some((message) => message.role === "user" && message.seq > answered);
}

export function isAnswer(message: Message): boolean {
  return message.role === "assistant";
}

function answersThrough(answer: Message): number {
  return answer.answers_through ?? answer.seq - 1;
}
