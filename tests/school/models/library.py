"""The library; written with SQLModel."""

import uuid
from datetime import date

from sqlmodel import Field, SQLModel


class BookAuthor(SQLModel, table=True):
    __tablename__ = "book_authors"

    isbn: str = Field(foreign_key="books.isbn", primary_key=True, max_length=13)
    author_id: int = Field(foreign_key="authors.id", primary_key=True)


class Author(SQLModel, table=True):
    __tablename__ = "authors"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, index=True)


class Book(SQLModel, table=True):
    __tablename__ = "books"

    isbn: str = Field(primary_key=True, max_length=13)
    title: str = Field(max_length=200)
    year: str | None = Field(default=None, max_length=4)
    pages: int | None = None


class Copy(SQLModel, table=True):
    __tablename__ = "copies"

    id: int | None = Field(default=None, primary_key=True)
    isbn: str = Field(foreign_key="books.isbn", max_length=13, ondelete="CASCADE")
    barcode: str = Field(max_length=20, unique=True)
    shelf: str | None = Field(default=None, max_length=10)


class Loan(SQLModel, table=True):
    __tablename__ = "loans"

    id: int | None = Field(default=None, primary_key=True)
    copy_id: int = Field(foreign_key="copies.id")
    person_id: uuid.UUID = Field(foreign_key="people.id")
    lent_on: date = Field(index=True)
    due_on: date
    returned_on: date | None = None
