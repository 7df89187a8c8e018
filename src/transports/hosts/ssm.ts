import type { Aws } from '../aws.ts';
import type { Host, HostAddress } from '../host.ts';
export function ssmHost(a: HostAddress, w: Aws): Host {
  throw new Error(String(a) + String(w));
}
