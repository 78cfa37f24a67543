interface Props {
  readonly onSay: (text: string) => void;
}

const OPENERS = ["What can you do?", "Hello, CJ"];

/** What stands where nothing has been said yet. */
export function Welcome({ onSay }: Props) {
  return (
    <section className="welcome">
      <img src="/favicon.svg" alt="" width="56" height="56" />
      <h2>What can I do for you?</h2>
      <p>
        I&rsquo;m CJ. Write to me below: every message is kept, and this conversation is here again
        whenever you come back.
      </p>
      <div className="openers">
        {OPENERS.map((text) => (
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
