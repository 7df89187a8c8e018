/** What `belay init` writes. */

export const configurationText = `# belay.yaml: the hosts that runbooks may name, and how to reach each. Found in this folder and those below it.
hosts:
  # This machine itself.
  here:
    transport: local

  # A host over SSH. Everything in ~/.ssh/config counts, too.
  # db1:
  #   transport: ssh
  #   address: 10.0.1.20
  #   user: deploy
  #   become: sudo                   # run as root there; sudo must not ask for a password
  #   via: bastion1                  # jump through another host of this file
  #   instanceId: i-0123456789abcdef0  # the same machine in EC2
  #   tags: { Role: database }

  # bastion1:
  #   transport: ssh
  #   address: bastion.example.com

# Who is told when a run fails, climbs down, stops or waits for somebody. Try one:  belay notify test ops
# notify:
#   ops:
#     webhook: { url: 'env:OPS_HOOK', format: slack }    # the address is a secret: it stands in the environment
`;

export const helloText = `# A first runbook. Run it:  belay run hello.yaml
# It leaves one file behind; belay rollback takes it away again.
schemaVersion: '0.3'
description: Leaves a greeting on a host, and waits a moment to be looked at.
rollback: { when: onFailure }
parameters:
  Host:
    type: String
    default: here
    description: A host of belay.yaml.
  Greeting:
    type: String
    default: hello from belay
mainSteps:
  - name: Greet
    action: host:file
    inputs:
      Host: '{{ Host }}'
      Path: /tmp/belay-hello.txt
      Content: '{{ Greeting }}'
  - name: Breathe
    action: aws:sleep
    inputs: { Duration: PT2S }
`;
