// Waiting tasks that any engine may run except those they shun, in the order of their places in line: a treap whose every node knows
// which engines are shunned by all tasks below it. The first task for an engine is found by descending past subtrees that
// all shun it, so it costs O(log n) even when thousands of tasks failed on that engine.

import type { EngineUuid } from "../../base/index.ts";
import { NOBODY, type LiveTask } from "./task.ts";

interface TreeNode {
  readonly task: LiveTask;
  readonly shunned: ReadonlySet<EngineUuid>;
  /** Greater than the children's; derived from the sequence number, so that a run can be replayed. */
  readonly priority: number;
  left: TreeNode | null;
  right: TreeNode | null;
  /** Shunned by this task and all below it. */
  common: ReadonlySet<EngineUuid>;
}

/** Tasks by sequence number, with the search described above. What a task shuns must not change while it is in here. */
export class ShunTree {
  #root: TreeNode | null = null;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  insert(task: LiveTask): void {
    const shunned = task.plan?.shunned ?? NOBODY;
    const node: TreeNode = { task, shunned, priority: scramble(task.seq), left: null, right: null, common: shunned };
    const [left, right] = split(this.#root, task.seq);
    this.#root = merge(merge(left, node), right);
    this.#length += 1;
  }

  remove(task: LiveTask): void {
    this.#root = without(this.#root, task.seq);
    this.#length -= 1;
  }

  /** The earliest task that does not shun this engine. */
  firstFor(engine: EngineUuid): LiveTask | undefined {
    let node = this.#root;
    if (node === null || node.common.has(engine)) return undefined;
    for (;;) {
      if (node.left !== null && !node.left.common.has(engine)) node = node.left;
      else if (!node.shunned.has(engine)) return node.task;
      // Not all below this node shun the engine, and neither the left side nor the node itself is the exception.
      else node = node.right as TreeNode;
    }
  }

  /** In their order in line. */
  *[Symbol.iterator](): Iterator<LiveTask> {
    const path: TreeNode[] = [];
    let node = this.#root;
    while (node !== null || path.length > 0) {
      for (; node !== null; node = node.left) path.push(node);
      const top = path.pop() as TreeNode;
      yield top.task;
      node = top.right;
    }
  }
}

/** Everything before `seq`, and the rest. */
function split(node: TreeNode | null, seq: number): [TreeNode | null, TreeNode | null] {
  if (node === null) return [null, null];
  if (node.task.seq < seq) {
    const [left, right] = split(node.right, seq);
    node.right = left;
    update(node);
    return [node, right];
  }
  const [left, right] = split(node.left, seq);
  node.left = right;
  update(node);
  return [left, node];
}

function merge(left: TreeNode | null, right: TreeNode | null): TreeNode | null {
  if (left === null) return right;
  if (right === null) return left;
  if (left.priority > right.priority) {
    left.right = merge(left.right, right);
    update(left);
    return left;
  }
  right.left = merge(left, right.left);
  update(right);
  return right;
}

function without(node: TreeNode | null, seq: number): TreeNode | null {
  if (node === null) return null;
  if (node.task.seq === seq) return merge(node.left, node.right);
  if (seq < node.task.seq) node.left = without(node.left, seq);
  else node.right = without(node.right, seq);
  update(node);
  return node;
}

function update(node: TreeNode): void {
  let common = node.shunned;
  if (node.left !== null) common = intersection(common, node.left.common);
  if (node.right !== null) common = intersection(common, node.right.common);
  node.common = common;
}

function intersection(one: ReadonlySet<EngineUuid>, other: ReadonlySet<EngineUuid>): ReadonlySet<EngineUuid> {
  if (one.size === 0 || one === other) return one;
  if (other.size === 0) return other;
  const [small, large] = one.size <= other.size ? [one, other] : [other, one];
  const both = new Set<EngineUuid>();
  for (const uuid of small) if (large.has(uuid)) both.add(uuid);
  // Sharing the sets that are there keeps most nodes from having one of their own.
  return both.size === small.size ? small : both.size === 0 ? NOBODY : both;
}

/** Spreads sequence numbers over 32 bits (the finaliser of MurmurHash3). */
function scramble(seq: number): number {
  let word = seq | 0;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
