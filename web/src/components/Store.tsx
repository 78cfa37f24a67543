interface Props {
  /** The one that is connected; undefined: nobody could say yet. */
  readonly shop: string | null | undefined;
  /** The one whose owner is signed in. */
  readonly store: string | null;
  readonly onConnect: () => void;
}

/** Which store is connected, and the way to connect one: the first time, again, or another. */
export function Store({ shop, store, onConnect }: Props) {
  if (shop === undefined) return null;
  if (shop === null) {
    return (
      <button type="button" className="outlined" title={store ?? undefined} onClick={onConnect}>
        {store === null ? "Connect store" : "Connect again"}
      </button>
    );
  }
  return (
    <button
      type="button"
      className="quiet store"
      title={`${shop}: connect it again, or another store`}
      aria-haspopup="dialog"
      onClick={onConnect}
    >
      <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
        <path d="M3.5 8.5 4.5 4h11l1 4.5a2.2 2.2 0 0 1-4.3 0 2.2 2.2 0 0 1-4.4 0 2.2 2.2 0 0 1-4.3 0ZM5 11v5h10v-5" />
      </svg>
      <span className="unseen">Connected store:</span>
      <span className="domain">{shop}</span>
      <svg className="icon small" viewBox="0 0 20 20" aria-hidden="true">
        <path d="m5 8 5 5 5-5" />
      </svg>
    </button>
  );
}
