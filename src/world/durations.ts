/** How long things take in the sandbox, in ms: short enough for a demo, long enough to be seen passing. */
export const durationsMs = {
  snapshot: 600,
  createVolume: 250,
  attachVolume: 200,
  detachVolume: 200,
  stopInstance: 400,
  startInstance: 500,
  terminateInstance: 400,
  image: 700,
  stack: 800,
  serviceChange: 200,
  packageChange: 500,
  fileChange: 50,
  mountChange: 50,
  databaseChange: 50,
} as const;
