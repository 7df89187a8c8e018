/** AWS as the caller's configuration says it, for commands that act for no execution. */
export { createAws } from '../../transports/aws/client.ts';
