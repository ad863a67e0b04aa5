// package: rxjs
import {
  BehaviorSubject,
  Subject,
  catchError,
  combineLatest,
  debounceTime,
  firstValueFrom,
  from,
  fromEvent,
  interval,
  lastValueFrom,
  map,
  mergeMap,
  of,
  retry,
  scan,
  switchMap,
  take,
  throwError,
  timer,
  toArray,
  zip,
} from "rxjs";
console.log(
  await lastValueFrom(
    interval(2).pipe(
      take(4),
      map((n) => n * n),
      scan((a, b) => a + b),
      toArray(),
    ),
  ),
);
console.log(
  await lastValueFrom(
    from([3, 1, 2]).pipe(
      mergeMap((n) => timer(n * 15).pipe(map(() => n))),
      toArray(),
    ),
  ),
);
let tries = 0;
console.log(
  await firstValueFrom(
    of(1).pipe(
      mergeMap(() => (++tries < 3 ? throwError(() => new Error("no")) : of("third"))),
      retry(5),
      catchError(() => of("never")),
    ),
  ),
  tries,
);
const subject = new Subject();
subject
  .pipe(
    debounceTime(10),
    switchMap((x) => of(`${x}!`)),
  )
  .subscribe({ next: (x) => console.log(x), complete: () => console.log("complete") });
subject.next("a");
subject.next("b");
await new Promise((resolve) => setTimeout(resolve, 60));
subject.complete();
combineLatest([new BehaviorSubject(1), of(2, 3)]).subscribe((pair) => console.log(pair));
zip(from("ab"), from([1, 2])).subscribe((pair) => console.log(pair));
const target = new EventTarget();
fromEvent(target, "ping")
  .pipe(take(1))
  .subscribe((event) => console.log(event.type));
target.dispatchEvent(new Event("ping"));
