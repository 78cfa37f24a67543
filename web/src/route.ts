/** Which conversation is open stands in the address: an id, which opens nothing for anybody else. */

const ROUTE = /^\/chat\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/?$/i;

export function cidOf(path: string): string | null {
  return ROUTE.exec(path)?.[1]?.toLowerCase() ?? null;
}

export function pathOf(cid: string | null): string {
  return cid === null ? "/chat" : `/chat/${cid}`;
}
