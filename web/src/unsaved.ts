/** What was accepted while the database is away, in the order it was accepted. Pure. */

import type { Committed, Done, Message, Unsaved } from "./frames";
import { isWhole } from "./live";
import type { Live } from "./live";
import { answeredThrough, isAnswer } from "./transcript";
import type { Transcript } from "./transcript";

export interface Kept extends Unsaved {
  /** Chunks of it were missed here: the server is asked for the whole. */
  readonly partial?: boolean;
  /** Another row has its place in the conversation: shown until that one is here. */
  readonly place?: number;
}

/** With one more, or with what is better known of one by now. */
export function keep(list: readonly Kept[], one: Kept): readonly Kept[] {
  const known = list.find((other) => isSame(other, one));
  if (known === undefined) return [...list, one];
  if (one.partial === true) return list;
  return list.map((other) => (other === known ? one : other));
}

/** In the server's order; what it did not name comes after. */
export function arranged(list: readonly Kept[], told: readonly Unsaved[]): readonly Kept[] {
  if (told.length === 0) return list;
  return [...told, ...list.filter((one) => !told.some((other) => isSame(one, other)))];
}

/** Without what stands in the conversation by now, or was answered there otherwise. */
export function stillUnsaved(list: readonly Kept[], transcript: Transcript): readonly Kept[] {
  if (list.length === 0) return list;
  const answered = answeredThrough(transcript);
  const seqs = seqsOf(transcript);
  const hasRow = (one: Kept) =>
    transcript.messages.some((row) => isSame(one, row) || row.seq === one.place);
  const isMoot = ({ answers = [] }: Kept) =>
    answers.length > 0 && answers.every((id) => (seqs.get(id) ?? Infinity) <= answered);
  return list.filter((one) => !hasRow(one) && !isMoot(one));
}

/** The client ids of what has an answer that is not saved. */
export function answeredHere(list: readonly Kept[]): ReadonlySet<string> {
  return new Set(list.flatMap(({ answers }) => answers ?? []));
}

/** What was said and has no answer, saved or not. */
export function awaitsAnswer(list: readonly Kept[]): boolean {
  const answered = answeredHere(list);
  return list.some(
    (one) => !isAnswer(one) && one.place === undefined && !answered.has(one.client_id ?? one.id),
  );
}

export function isNamed(one: Kept, { message_id, client_id }: Committed): boolean {
  return one.id === message_id || (one.client_id != null && one.client_id === client_id);
}

/** An answer that the database knows nothing of, from what was heard of it. */
export function answerOf(done: Done, live: Live | null): Kept {
  const { message_id: id, created_at, status, model, turn, answers, sources } = done;
  const streamed = live?.turn === turn && live.gen === done.gen ? live.text : "";
  return {
    id,
    seq: null,
    role: "assistant",
    text: streamed,
    created_at,
    status,
    turn,
    model: model ?? null,
    sources: sources ?? null,
    ...(answers === undefined ? {} : { answers }),
    ...(isWhole(live, done) ? {} : { partial: true }),
  };
}

/** The row it became. An answer covers its inputs, which were committed before it. */
export function rowOf(one: Kept, seq: number, transcript: Transcript): Message {
  const { id, role, text, created_at, status, client_id, turn, model, sources } = one;
  const seqs = seqsOf(transcript);
  const through = Math.max(0, ...(one.answers ?? []).map((input) => seqs.get(input) ?? 0));
  return {
    id,
    seq,
    role,
    text,
    created_at,
    status,
    client_id: client_id ?? null,
    turn: turn ?? null,
    model: model ?? null,
    answers_through: through > 0 ? through : null,
    sources: sources ?? null,
  };
}

function seqsOf({ messages }: Transcript): ReadonlyMap<string, number> {
  return new Map(messages.flatMap(({ client_id: id, seq }) => (id == null ? [] : [[id, seq]])));
}

function isSame(
  one: { readonly id: string; readonly client_id?: string | null },
  other: { readonly id: string; readonly client_id?: string | null },
): boolean {
  return one.id === other.id || (one.client_id != null && one.client_id === other.client_id);
}
