"""Rank the books viewed most in the last hour, and print the ranking.

python hottest_books.py
"""

from tasks import app


def main() -> None:
    """Send the task by its name, and print what it returned."""
    result = app.send_task("select_populate_book")
    print(f"task {result.id} sent")
    ranking = result.get(timeout=60)
    print(f"{ranking['views']} views of {ranking['distinct_books']} books")
    for book in ranking["books"]:
        print(f"{book['rank']}. {book['title'] or book['book']}: {book['views']}")


if __name__ == "__main__":
    main()
