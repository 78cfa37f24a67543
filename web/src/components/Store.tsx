interface Props {
  /** undefined: nobody could say yet. */
  readonly shop: string | null | undefined;
  readonly onConnect: () => void;
}

/** Which store is connected, or the way to connect one. */
export function Store({ shop, onConnect }: Props) {
  if (shop === undefined) return null;
  if (shop === null) {
    return (
      <button type="button" className="outlined" onClick={onConnect}>
        Connect store
      </button>
    );
  }
  return (
    <p className="store" title={shop}>
      <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
        <path d="M3.5 8.5 4.5 4h11l1 4.5a2.2 2.2 0 0 1-4.3 0 2.2 2.2 0 0 1-4.4 0 2.2 2.2 0 0 1-4.3 0ZM5 11v5h10v-5" />
      </svg>
      <span className="unseen">Connected store:</span>
      <span className="domain">{shop}</span>
    </p>
  );
}
