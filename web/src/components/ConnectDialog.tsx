import { useEffect, useId, useRef, useState } from "react";
import type { RefObject, SyntheticEvent } from "react";

import { isCalled } from "../connecting";
import type { Way } from "../connecting";
import type { Connection } from "../hooks/useConnecting";
import { Link } from "./Row";

interface Props {
  readonly connection: Connection;
  /** The store that is connected. */
  readonly shop: string | null;
  /** The store whose owner is signed in, connected or not. */
  readonly store: string | null;
}

/** Asks which store it is, and leads to the page where its owner agrees. */
export function ConnectDialog({ connection, shop, store }: Props) {
  const { open, onClose } = connection;
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const known = shop ?? store;
  return (
    <dialog ref={dialog} className="connect" aria-labelledby={title} onClose={onClose}>
      <h2 id={title}>{known === null ? "Connect your Shopify store" : "Your Shopify store"}</h2>
      {known === null ? <Consent /> : <Standing known={known} connected={shop !== null} />}
      {open && <ConnectForm {...connection} known={known} />}
    </dialog>
  );
}

function Consent() {
  return (
    <p>
      Shopify shows you what CJ wants to see, and nothing is connected before you agree to it there.
    </p>
  );
}

/** How it is with the store that is known, and what connecting it again is good for. */
function Standing({ known, connected }: { readonly known: string; readonly connected: boolean }) {
  return (
    <p>
      {connected ? "CJ is connected to " : "Shopify does not let CJ read "}
      <strong className="domain">{known}</strong>
      {connected
        ? ". Connect it again to allow CJ what it may not see yet. "
        : " any more. Connect it again to change that. "}
      You come back to this conversation.
    </p>
  );
}

interface FormProps extends Connection {
  readonly known: string | null;
}

function ConnectForm({ busy, problem, known, onBegin, onClose }: FormProps) {
  const [shop, setShop] = useState(known ?? "");
  const field = useRef<HTMLInputElement>(null);
  const again = known !== null && isCalled(shop, known);
  const begin = (event: SyntheticEvent) => {
    event.preventDefault(); // the page stays until the server has said where to go
    onBegin(shop);
  };
  const another = () => {
    setShop("");
    field.current?.focus();
  };
  return (
    <form noValidate onSubmit={begin}>
      <ShopField field={field} shop={shop} busy={busy} problem={problem} onShop={setShop} />
      {again && !busy && (
        <p className="hint">
          <Link onClick={another}>Another store</Link>
        </p>
      )}
      {known !== null && !again && (
        <p className="hint">
          Every store has its own conversations. Those of {known} are here again when you connect
          that one.
        </p>
      )}
      <div className="choices">
        <button type="button" className="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="filled" aria-disabled={busy}>
          {busy && <span className="spinner" />}
          {busy ? "Going to Shopify…" : again ? "Connect again" : "Connect"}
        </button>
      </div>
    </form>
  );
}

interface FieldProps extends Way {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly shop: string;
  readonly onShop: (shop: string) => void;
}

function ShopField({ field, shop, busy, problem, onShop }: FieldProps) {
  const id = useId();
  const wrong = useId();
  const help = useId();
  useEffect(() => {
    if (problem !== null) field.current?.focus();
  }, [field, problem]);
  return (
    <>
      <label htmlFor={id}>Store name</label>
      <input
        ref={field}
        id={id}
        value={shop}
        placeholder="your-store.myshopify.com"
        maxLength={200}
        readOnly={busy}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        enterKeyHint="go"
        aria-invalid={problem !== null}
        aria-describedby={`${wrong} ${help}`}
        onChange={(event) => {
          onShop(event.target.value);
        }}
      />
      <p className="trouble" id={wrong} role="status">
        {problem}
      </p>
      <p className="hint" id={help}>
        Its name, or its address as you see it in Shopify’s admin.
      </p>
    </>
  );
}
