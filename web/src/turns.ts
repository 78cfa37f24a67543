/** CJ's turns as they come and go. Pure. */

import type { Message, RunningTurn } from "./frames";
import { caughtUp, unheard } from "./live";
import type { Live } from "./live";
import { awaiting } from "./state";
import type { State } from "./state";
import { isAnswer } from "./transcript";

const TURNS_TO_REMEMBER = 20;

export function isOver({ over }: State, turn: string): boolean {
  return over.includes(turn);
}

/** With the turns of these answers among those that are over. */
export function ended(
  over: readonly string[],
  answers: readonly { readonly turn?: string | null }[],
): readonly string[] {
  const turns = answers.flatMap(({ turn }) => (turn == null || over.includes(turn) ? [] : [turn]));
  return turns.length === 0 ? over : [...over, ...turns].slice(-TURNS_TO_REMEMBER);
}

/** A turn runs of which nothing was heard yet. */
export function withTurn(state: State, turn: string | null): State {
  const isNews = turn !== null && state.live === null && !isOver(state, turn);
  return isNews ? { ...state, live: unheard(turn) } : state;
}

/** What is left of the answer in the making, now that `fresh` rows came. */
export function liveAfter(
  state: State,
  fresh: readonly Message[],
  turn: RunningTurn | null,
  recovered: boolean,
): Live | null {
  const live = state.live !== null && isOver(state, state.live.turn) ? null : state.live;
  if (turn !== null) return isOver(state, turn.id) ? live : caughtUp(live, turn, recovered);
  const isAnswered = fresh.some(isAnswer) || !awaiting({ ...state, live: null });
  return isAnswered ? null : live;
}

/** A wish to stop lasts until its turn is over, and learns which turn that is. */
export function withStop(state: State): State {
  const { stop, live } = state;
  if (stop === null) return state;
  const turn = stop.turn ?? live?.turn ?? null;
  if (!isRunning(state, turn)) return { ...state, stop: null };
  return turn === stop.turn ? state : { ...state, stop: { ...stop, turn } };
}

function isRunning(state: State, turn: string | null): boolean {
  if (turn === null || state.live === null) return awaiting(state);
  return turn === state.live.turn && !isOver(state, turn);
}
