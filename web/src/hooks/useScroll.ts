import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { RefObject } from "react";

const NEAR_PX = 80;

interface Scroll {
  readonly box: RefObject<HTMLDivElement | null>;
  readonly atEnd: boolean;
  readonly onScroll: () => void;
  readonly toEnd: () => void;
}

/**
 * Follows the newest text for as long as the reader is at the end, and no longer; keeps what is
 * read in its place when earlier messages come in above it. `end` and `start` change with what
 * stands there, `anew` with what is seen wherever one was reading: another conversation, or what
 * one says oneself.
 */
export function useScroll(start: number, end: string, anew: string): Scroll {
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const below = useRef(0);
  const [atEnd, setAtEnd] = useState(true);
  const onScroll = useCallback(() => {
    const element = box.current;
    if (element === null) return;
    below.current = element.scrollHeight - element.scrollTop;
    follows.current = below.current - element.clientHeight < NEAR_PX;
    setAtEnd(follows.current);
  }, []);
  const toEnd = useCallback(() => {
    const element = box.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || follows.current) return;
    element.scrollTop = element.scrollHeight - below.current;
  }, [start]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      if (follows.current) toEnd(); // the field grew, or a notice came
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [toEnd]);
  useLayoutEffect(() => {
    follows.current = true;
  }, [anew]);
  useLayoutEffect(() => {
    if (follows.current) toEnd();
  }, [end, anew, toEnd]);
  return { box, atEnd, onScroll, toEnd };
}
