/** Actions that belong to the language, of which this Belay has none yet. They are refused by name, with what to do instead. */

export const notBuiltYet: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'aws:createStack':
      'use aws:executeAwsApi with cloudformation CreateStack where its service model is shipped, or the AWS CLI by host:command',
    'aws:deleteStack':
      'use aws:executeAwsApi with cloudformation DeleteStack where its service model is shipped, or the AWS CLI by host:command',
    'aws:executeStateMachine': 'use aws:executeAwsApi where the service model of stepfunctions is shipped',
    'aws:invokeLambdaFunction': 'use aws:executeAwsApi where the service model of lambda is shipped',
    'aws:invokeWebhook': 'use host:command with curl',
  }),
);
