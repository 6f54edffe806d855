// The words of environments, and of what holds their credentials.

import type { Cloud } from "../bindings/Cloud";
import type { ClusterView } from "../bindings/ClusterView";
import type { MemberView } from "../bindings/MemberView";
import { cloudNames } from "./words.ts";

export const environments = {
  title: "Environments",
  intro:
    "One name for an AWS role, an Azure subscription and a Google project. Terminals and folders choose one, or you use it everywhere.",
  loading: "Loading environments",
  emptyTitle: "No environments yet",
  empty: "Name the accounts that you use together, and switch to all of them at once.",
  create: "Create environment…",
  fromInUse: "Create from what is in use…",
  use: "Use everywhere",
  useOf: (name: string) => `Use everywhere: ${name}`,
  environment: "Environment",
  named: (name: string) => `Environment ${name}`,
  members: (members: readonly MemberView[]) => {
    const line = ({ accountName, target, targetName }: MemberView): string => {
      const place = targetName ?? target;
      return place === null ? accountName : `${accountName}, ${place}`;
    };
    return members.map(line).join(" · ");
  },
  edit: "Edit…",
  editOf: (name: string) => `Edit ${name}`,
  remove: "Delete…",
  removeOf: (name: string) => `Delete ${name}`,
  inUse: "In use",
  protected: "Protected",
  exclusive: "Exclusive",
  gone: "Gone",
  accountGone: (account: string) => `${account} is no longer connected`,
  targetGone: (target: string) => `${target} is no longer listed`,
  confirm: "Confirm…",
  confirmOf: (name: string) => `Confirm ${name}`,
  end: "End now",
  endOf: (name: string) => `End now: ${name}`,
  confirmedFor: (left: string) => `Confirmed, ${left} left`,
  terminal: (name: string) => `mcm shell ${name}`,
  region: (region: string) => `AWS works in ${region}`,
  googlePlace: (place: string) => `Google works in ${place}`,
  clusters: (clusters: readonly ClusterView[]) =>
    `${clusters.length === 1 ? "Cluster" : "Clusters"}: ${clusters.map(({ context }) => context).join(", ")}`,
  form: {
    create: "Create an environment",
    edit: (name: string) => `Edit ${name}`,
    name: "Name",
    nameNote: "Letters, digits, dots, hyphens and underscores.",
    none: "None",
    account: (cloud: Cloud) => `${cloudNames[cloud]} account`,
    target: "Works in",
    anyTarget: "Whatever is chosen for the account",
    clusters: "Kubernetes clusters",
    addCluster: "Add a cluster",
    add: "Add",
    contextNote: (contexts: readonly string[]) => {
      if (contexts.length === 0) return "A context of your kubeconfig. No user or token of it is taken over.";
      const [first = "", second, ...more] = contexts;
      const named = second === undefined ? first : `${first}, ${second}`;
      const others = more.length === 0 ? "" : ` and ${more.length} more`;
      return `A context of your kubeconfig: ${named}${others}. No user or token of it is taken over.`;
    },
    notAdded: "This cluster was not added",
    region: "AWS region",
    googleRegion: "Google region",
    googleZone: "Google zone",
    placeNote: "Leave it empty to use the account’s.",
    colour: "Colour",
    noColour: "No colour",
    icon: "Icon",
    noIcon: "No icon",
    exclusive: "Exclusive",
    exclusiveNote: "Tools of clouds that are not named find no identity.",
    protected: "Protected",
    protectedNote: "You type its name before each use, and the use ends by itself.",
    minutes: "One use lasts",
    minutesOf: (count: number) => `${count} minutes`,
  },
  dialog: {
    confirm: (name: string) => `Confirm ${name}`,
    confirmBody: (minutes: number) =>
      `Terminals and editors may use it without asking again for ${minutes} minutes. A coding agent’s shell may not.`,
    confirmAction: "Confirm",
    remove: (name: string) => `Delete ${name}?`,
    removeBody: "Its accounts stay connected. Terminals that use it keep what they have until they end.",
    removeAction: "Delete",
    save: (name: string) => `Change ${name}?`,
    saveBody: "It is protected, so a change needs its name.",
    saveAction: "Save",
    type: (name: string) => `Type ${name} to go on`,
  },
  created: (name: string) => `${name} was created.`,
  saved: (name: string) => `${name} was changed.`,
  deleted: (name: string) => `${name} was deleted.`,
  restored: (name: string) => `${name} is back.`,
  using: (name: string) => `All accounts of ${name} are in use.`,
  confirmed: (name: string) => `${name} is confirmed.`,
  ended: (name: string) => `The use of ${name} ended. What ran in it gets no new credential.`,
};

export const inUseBy = {
  title: "In use by",
  intro: "Commands and shells that get credentials now. What they hold already stays valid until it expires.",
  loading: "Loading what runs",
  emptyTitle: "Nothing runs",
  empty: "mcm exec and mcm shell appear here while they run.",
  shell: "shell",
  process: (pid: number) => `process ${pid}`,
  environment: "Environment",
  accounts: "Accounts",
  terminal: "Terminal",
  noTerminal: "No terminal",
  since: "Since",
  last: "Last credential",
  none: "None yet",
  holdsUntil: (until: string) => `valid until ${until}`,
  readOnly: "Read-only",
  revoked: "Revoked",
  over: "Time is over",
  left: (left: string) => `${left} left`,
  revoke: "Revoke",
  revokeOf: (program: string, pid: number) => `Revoke ${program}, process ${pid}`,
  wasRevoked: (program: string) => `${program} was revoked. It gets no new credential.`,
};
