interface Props {
  readonly shop: string | null | undefined;
  readonly onConnect: () => void;
  readonly onSay: (text: string) => void;
}

const OPENERS = ["What can you do?", "Hello, CJ"];
const STORE_OPENERS = ["How was the last week?", "What sells best?", "How many orders are there?"];

/** What stands where nothing has been said yet. */
export function Welcome({ shop, onSay, onConnect }: Props) {
  return (
    <section className="welcome">
      <img src="/favicon.svg" alt="" width="56" height="56" />
      <h2>What can I do for you?</h2>
      <p>
        I&rsquo;m CJ. Write to me below: every message is kept, and this conversation is here again
        whenever you come back.
        {shop === null && " Connect your store, and I can tell you how it is doing."}
      </p>
      {shop === null && (
        <button type="button" className="filled" onClick={onConnect}>
          Connect your Shopify store
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
