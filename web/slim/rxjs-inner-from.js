// RxJS' innerFrom() for what WatermelonDB gives it: observables and arrays.
import { Observable } from "rxjs/dist/esm5/internal/Observable";

export function innerFrom(input) {
  if (input instanceof Observable) return input;
  return new Observable((subscriber) => {
    for (const value of input) subscriber.next(value);
    subscriber.complete();
  });
}
