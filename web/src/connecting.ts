/** The way to the page where the owner of a shop agrees: gone once, however often it is begun. */

import { Refused } from "./api";

export interface Way {
  /** On the way: asking where to, or leaving. */
  readonly busy: boolean;
  /** Why it led nowhere, in words for people. */
  readonly problem: string | null;
}

/** What the world outside does on the way; tests bring their own. */
export interface Guide {
  /** Where the owner of this shop agrees. Rejects with Refused. */
  consentUrl(shop: string, cid: string | null): Promise<string>;
  leave(url: string): void;
  /** Calls back once. */
  later(ms: number, call: () => void): void;
}

const IDLE: Way = { busy: false, problem: null };
const UNREACHABLE = "CJ cannot be reached right now. Try again in a moment.";
const NOTHING = "Type the name of your store first.";
/** Whoever is still here by then did not leave: the browser was told to stay. */
export const LEAVING_MS = 15_000;

/** Is this what a person calls that store? By its name or its domain; addresses are not looked at. */
export function isCalled(typed: string, store: string): boolean {
  const name = typed.trim().toLowerCase();
  return name === store || `${name}.myshopify.com` === store;
}

export class Connecting {
  private way = IDLE;
  private readonly listeners = new Set<() => void>();
  /** Which try is the present one. */
  private attempt = 0;

  constructor(private readonly guide: Guide) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly current = (): Way => this.way;

  readonly begin = async (typed: string, cid: string | null): Promise<void> => {
    if (this.way.busy) return;
    const shop = typed.trim();
    if (shop === "") {
      this.set({ busy: false, problem: NOTHING });
      return;
    }
    const attempt = ++this.attempt;
    const ifStill = (act: () => void) => {
      if (attempt === this.attempt) act();
    };
    this.set({ busy: true, problem: null });
    try {
      const url = await this.guide.consentUrl(shop, cid);
      ifStill(() => {
        this.guide.leave(url);
        this.guide.later(LEAVING_MS, () => {
          ifStill(this.reset);
        });
      });
    } catch (error) {
      const problem = error instanceof Refused ? error.message : UNREACHABLE;
      ifStill(() => {
        this.set({ busy: false, problem });
      });
    }
  };

  /** From the beginning: whatever is on its way leads nowhere any more. */
  readonly reset = (): void => {
    this.attempt += 1;
    this.set(IDLE);
  };

  private set(way: Way): void {
    this.way = way;
    for (const listener of this.listeners) listener();
  }
}
