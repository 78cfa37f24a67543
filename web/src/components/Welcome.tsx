interface Props {
  readonly shop: string | null | undefined;
  /** The one whose owner is signed in. */
  readonly store: string | null;
  readonly onConnect: () => void;
  readonly onSay: (text: string) => void;
}

const OPENERS = ["What can you do?", "Hello, CJ"];
const STORE_OPENERS = ["How was the last week?", "What sells best?", "How many orders are there?"];

const INVITES = "Connect your store, and I can tell you how it is doing.";
const LOST = "Shopify does not let me see your store any more: connect it again.";

/** What stands where nothing has been said yet. */
export function Welcome({ shop, store, onSay, onConnect }: Props) {
  return (
    <section className="welcome">
      <img src="/favicon.svg" alt="" width="56" height="56" />
      <h2>What can I do for you?</h2>
      <p>
        I&rsquo;m CJ. Write to me below: every message is kept, and this conversation is here again
        whenever you come back.
        {shop === null && ` ${store === null ? INVITES : LOST}`}
      </p>
      {shop === null && (
        <button type="button" className="filled" onClick={onConnect}>
          {store === null ? "Connect your Shopify store" : "Connect your store again"}
        </button>
      )}
      <div className="openers">
        {(shop == null ? OPENERS : STORE_OPENERS).map((text) => (
          <button
            key={text}
            type="button"
            className="outlined"
            onClick={() => {
              onSay(text);
            }}
          >
            {text}
          </button>
        ))}
      </div>
    </section>
  );
}
