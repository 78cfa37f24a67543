import { useEffect, useId, useRef, useState } from "react";
import type { SyntheticEvent } from "react";

import type { Way } from "../connecting";
import type { Connection } from "../hooks/useConnecting";

/** Asks which store it is, and leads to the page where its owner agrees. */
export function ConnectDialog({ connection }: { readonly connection: Connection }) {
  const { open, onClose } = connection;
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="connect" aria-labelledby={title} onClose={onClose}>
      <h2 id={title}>Connect your Shopify store</h2>
      <p>
        Shopify shows you what CJ wants to see, and nothing is connected before you agree to it
        there.
      </p>
      <ConnectForm {...connection} />
    </dialog>
  );
}

function ConnectForm({ busy, problem, onBegin, onClose }: Connection) {
  const [shop, setShop] = useState("");
  const begin = (event: SyntheticEvent) => {
    event.preventDefault(); // the page stays until the server has said where to go
    onBegin(shop);
  };
  return (
    <form noValidate onSubmit={begin}>
      <ShopField shop={shop} busy={busy} problem={problem} onShop={setShop} />
      <div className="choices">
        <button type="button" className="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="filled" aria-disabled={busy}>
          {busy && <span className="spinner" />}
          {busy ? "Going to Shopify…" : "Connect"}
        </button>
      </div>
    </form>
  );
}

interface FieldProps extends Way {
  readonly shop: string;
  readonly onShop: (shop: string) => void;
}

function ShopField({ shop, busy, problem, onShop }: FieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const wrong = useId();
  const help = useId();
  useEffect(() => {
    if (problem !== null) field.current?.focus();
  }, [problem]);
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
