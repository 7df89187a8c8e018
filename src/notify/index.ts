/** The door of the room: channels of belay.yaml, events, texts, folding and back-off. Pure. */
export * from './channel.ts';
export * from './events.ts';
export * from './message.ts';
export { notifyCodes, reportNotify, type NotifyCode } from './errors.ts';
export { readChannels, channelNamePattern, type ChannelOptions } from './parse-channels.ts';
export { isLoopback, topicArnPattern, urlProblem } from './parse-ways.ts';
export { rendered } from './render.ts';
export { expiryMs, isDue, pauseMs } from './retry.ts';
export { channelsSchema, eventSchema } from './schema.ts';
export { fold, singlesMax, stormMs, summaryOf, type Folding, type Sent, type Waiting } from './storm.ts';
