/** When what waits in the outbox is sent, and sent again. */

import type { ClientFrame } from "./frames";
import { frameOf, mayGo } from "./outbox";
import type { Outbox } from "./outbox";

const ACK_MS = 10_000;
const UNSAVED_MS = 5_000;

export class Offers {
  private readonly dueAt = new Map<string, number>();

  /** `send` says whether there was a connection to send on. */
  constructor(private readonly send: (frame: ClientFrame) => boolean) {}

  /** Sends what is due, in the order it was said. */
  make(outbox: Outbox, now: number): void {
    this.forgetOthers(outbox);
    const isEarly = ({ id }: { id: string }) => (this.dueAt.get(id) ?? 0) > now;
    for (const said of outbox) {
      if (said.status === "failed" || isEarly(said) || !mayGo(outbox, said, isEarly)) continue;
      const patience = said.status === "unsaved" ? UNSAVED_MS : ACK_MS;
      if (this.send(frameOf(outbox, said))) this.dueAt.set(said.id, now + patience);
    }
  }

  /** Without waiting: another connection may take what the one before did not. */
  hurry(some: Outbox): void {
    for (const { id } of some) this.dueAt.delete(id);
  }

  /** Accepted and still here: it is not saved. */
  accepted(outbox: Outbox, id: string, now: number): void {
    this.holdBack(outbox, id, now + UNSAVED_MS);
  }

  /** False when nothing with this id waits here. */
  holdBack(outbox: Outbox, id: string, until: number): boolean {
    const waits = outbox.some((said) => said.id === id);
    if (waits) this.dueAt.set(id, until);
    return waits;
  }

  private forgetOthers(outbox: Outbox): void {
    for (const id of this.dueAt.keys()) {
      if (!outbox.some((said) => said.id === id)) this.dueAt.delete(id);
    }
  }
}
