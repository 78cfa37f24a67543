import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

import { getConsentUrl } from "../api";
import { Connecting } from "../connecting";
import type { Guide, Way } from "../connecting";

export interface Connection extends Way {
  /** The form is there. */
  readonly open: boolean;
  readonly onOpen: () => void;
  readonly onClose: () => void;
  readonly onBegin: (shop: string) => void;
}

const browser: Guide = {
  consentUrl: getConsentUrl,
  leave: (url) => {
    location.assign(url);
  },
  later: (ms, call) => {
    setTimeout(call, ms);
  },
};

/** The form that connects a store. What was said in `cid` goes along. */
export function useConnecting(cid: string | null): Connection {
  const [connecting] = useState(() => new Connecting(browser));
  const way = useSyncExternalStore(connecting.subscribe, connecting.current);
  const [open, setOpen] = useState(false);
  const onOpen = useCallback(() => {
    setOpen(true);
  }, []);
  const onClose = useCallback(() => {
    connecting.reset();
    setOpen(false);
  }, [connecting]);
  const onBegin = useCallback(
    (shop: string) => {
      void connecting.begin(shop, cid);
    },
    [connecting, cid],
  );
  useEffect(() => {
    // Back from Shopify's page: a browser may show this one just as it was left.
    const cameBack = ({ persisted }: PageTransitionEvent) => {
      if (persisted) connecting.reset();
    };
    window.addEventListener("pageshow", cameBack);
    return () => {
      window.removeEventListener("pageshow", cameBack);
    };
  }, [connecting]);
  return { ...way, open, onOpen, onClose, onBegin };
}
