#### one month
cal 2 2024; cal 9 1752; cal 1 1; cal 2 99; cal march 2023; cal -m feb 2024; cal -j 2 2024; cal dec 9999; cal 2 1700; cal 2 1900
#### several months
cal -3 12 2023; cal -3 5 2024; cal -A 1 12 2023; cal -A 2 1 2024; cal -B 1 1 2024; cal -A 4 10 2023
#### a year
cal 2024; cal 2023; cal -y 1752; cal -j 2024
#### ncal
ncal 2 2024; ncal -M 2 2024; ncal -3 5 2024; ncal -w 5 2024; ncal -w 1 2021; ncal -w 12 2024; ncal -j 2 2024; ncal 2024; ncal -b 2 2024; ncal -C 2 2024; ncal 9 1752
#### weeks that begin on Mondays
ncal -bM 2 2024; ncal -M 2023
#### what is wrong
cal 13 2024 2>&1; echo $?; cal x 2>&1; echo $?; cal 0 2>&1; cal 10000 2>&1; cal ma 2024 2>&1; echo $?; cal 1 2 3 2>/dev/null; echo $?; cal -d 2024-03 | head -n 2; cal -Q 2>/dev/null; echo $?
