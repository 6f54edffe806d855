// Times as a user reads them. Takes every moment as an argument; asks no clock.

import type { SessionTimes } from "./bindings/SessionTimes";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayMonthYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** A length of time in its two largest units, rounded down; under a minute in words. */
export function duration(milliseconds: number): string {
  if (milliseconds < MINUTE) return "under 1 min";
  if (milliseconds < HOUR) return `${Math.floor(milliseconds / MINUTE)} min`;
  if (milliseconds < DAY) {
    const minutes = Math.floor((milliseconds % HOUR) / MINUTE);
    return `${Math.floor(milliseconds / HOUR)} h ${String(minutes).padStart(2, "0")} min`;
  }
  const days = Math.floor(milliseconds / DAY);
  return days === 1 ? "1 day" : `${days} days`;
}

/** How long until `moment`, or nothing when it has passed. */
export function left(moment: string, now: number): string | null {
  const rest = Date.parse(moment) - now;
  return rest > 0 ? duration(rest) : null;
}

/** How long until `moment` in seconds below a minute, for a wait on screen. */
export function countdown(moment: string, now: number): string {
  const rest = Math.max(0, Date.parse(moment) - now);
  const seconds = Math.ceil(rest / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** The part of a Session's life that is left, from 0 to 1. */
export function share(session: SessionTimes, now: number): number {
  const start = Date.parse(session.issuedAt);
  const end = Date.parse(session.expiresAt);
  if (end <= start) return 0;
  return Math.min(1, Math.max(0, (end - now) / (end - start)));
}

/** `15:42`, with the day when it is not today. */
export function moment(iso: string, now: number): string {
  const at = new Date(iso);
  if (dayMonthYear.format(at) === dayMonthYear.format(now)) return clock.format(at);
  return `${day(iso, now)}, ${clock.format(at)}`;
}

/** An end that is near enough to prepare for: `18:20` today, `26 Nov` within three days, else nothing. */
export function nearest(iso: string, now: number): string | null {
  const rest = Date.parse(iso) - now;
  if (rest <= 0 || rest > 3 * DAY) return null;
  return daysAgo(iso, now) === 0 ? time(iso) : day(iso, now);
}

/** `21 Feb`, with the year when it is not this one. */
export function day(iso: string, now: number): string {
  const at = new Date(iso);
  const sameYear = at.getFullYear() === new Date(now).getFullYear();
  return (sameYear ? dayMonth : dayMonthYear).format(at);
}

/** The time alone, `15:42`, for what stands under its day. */
export function time(iso: string): string {
  return clock.format(new Date(iso));
}

/** How many midnights lie between `iso` and now: 0 today, 1 yesterday. */
export function daysAgo(iso: string, now: number): number {
  const midnight = (at: Date): number => Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
  return Math.round((midnight(new Date(now)) - midnight(new Date(iso))) / DAY);
}

/** Whether `iso` lies less than a day back. */
export function isWithinDay(iso: string, now: number): boolean {
  return now - Date.parse(iso) < DAY;
}
